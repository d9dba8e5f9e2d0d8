#include "control/api_site.h"

#include "base/log.h"
#include "base/text.h"
#include "control/dispatch.h"
#include "control/password_login.h"
#include "control/token.h"
#include "control/web_session.h"
#include "http/credentials.h"
#include "http/grammar.h"
#include "net/network.h"
#include "net/wheel.h"

#include <array>
#include <pwd.h>
#include <unistd.h>

namespace paquebot::control {
namespace {

constexpr std::string_view kProtocol = "api";
constexpr std::uint64_t kUnknownBody = 64u << 10;

std::string name_of_user(std::uint32_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  const std::string name = found != nullptr ? std::string(" ") + found->pw_name : std::string();
  return "operator" + name + " (uid " + std::to_string(uid) + ")";
}

Found<Asker> asker_of_user(std::uint32_t uid) {
  if (uid == 0 || uid == static_cast<std::uint32_t>(geteuid())) return root_asker(name_of_user(uid));
  return refuse(Errc::permission, "only root and the server's own user may use the control socket");
}

bool is_this_machine(const std::string& address) {
  static const net::Networks own = net::Networks::parse({"127.0.0.0/8", "::1"}).value();
  return own.contains(address);
}

Problem unprotected() {
  Problem problem(Errc::permission, "a token or password must not travel in clear, as this one did",
                  "use https, and give out another one");
  problem.word = "tls_required";
  return problem;
}

Problem elsewhere() {
  Problem problem(Errc::permission, "a page of another site made this request");
  problem.word = "cross_site";
  return problem;
}

void log_refused(const std::string& address, const std::string& account, std::string_view mechanism,
                 const std::string& why) {
  log::info(
      "login-refused",
      {{"client", address}, {"account", account}, {"protocol", kProtocol}, {"mechanism", mechanism}, {"why", why}});
}

/// The target in origin form, as it came.
std::string target_of(const http::Request& request) {
  const std::string& target = request.target;
  if (request.form != http::Form::absolute) return target;
  const auto begin = target.find("://");
  const auto slash = begin == target.npos ? begin : target.find('/', begin + 3);
  return slash == target.npos ? std::string("/") : target.substr(slash);
}

std::string method_of(const http::Request& request) { return request.method == "HEAD" ? "GET" : request.method; }

/// Lower case, without parameters.
std::string media_type_of(const http::Request& request) {
  const std::string* field = request.field("content-type");
  return field == nullptr ? std::string() : to_lower(trim(split(*field, ';').front()));
}

/// A stream of events rather than a page of them.
bool wants_events(const http::Request& request) {
  const std::string* accept = request.field("accept");
  if (accept == nullptr || accept->find("text/event-stream") == accept->npos) return false;
  const auto target = parse_target(target_of(request));
  const Action* action = target ? match_action(method_of(request), target->segments).action : nullptr;
  return action != nullptr && action->id == "event.list" && request.method == "GET";
}

/// Whether an origin (RFC 6454) is the one that this request went to.
bool is_ours(const std::string& origin, const http::Request& request, bool encrypted) {
  const auto begin = origin.find("://");
  if (begin == origin.npos || origin.substr(0, begin) != (encrypted ? "https" : "http")) return false; // "null", too
  const std::uint16_t usual = encrypted ? 443 : 80;
  const std::string_view rest = std::string_view(origin).substr(begin + 3);
  const auto colon = rest.find_last_of(":]");
  const bool has_port = colon != rest.npos && rest[colon] == ':';
  const auto port = has_port ? parse_u64(rest.substr(colon + 1)) : std::optional<std::uint64_t>(usual);
  const std::string_view host = has_port ? rest.substr(0, colon) : rest;
  return port && iequals(host, request.host) && *port == request.port.value_or(usual);
}

/// A browser that is told of Basic asks for a password by itself, in front of our page.
void hide_basic(http::Fields& fields) {
  for (http::Field& field : fields)
    if (field.name == "WWW-Authenticate") field.value = "Bearer";
}

/// What a page of another site can send without having asked first (the safelisted types of the Fetch standard) is
/// taken from nobody whom a cookie makes somebody, or who is about to get one.
Found<> check_type(const http::Exchange& exchange, const Asker& asker) {
  const bool by_browser = !asker.session.empty() || asker.grants.role == Role::nobody;
  if (exchange.content.empty() || !by_browser) return {};
  const std::string* type = exchange.request.field("content-type");
  const std::string essence = type == nullptr ? "" : to_lower(trim(type->substr(0, type->find(';'))));
  const auto target = parse_target(target_of(exchange.request));
  const auto match = target ? match_action(method_of(exchange.request), target->segments) : Match();
  const bool octets = match.action != nullptr && match.action->request == "octets";
  const bool as_it_is = match.action != nullptr && !match.action->other.empty() && essence == match.action->other;
  const bool good = as_it_is || (octets ? essence == "message/rfc822" || essence == "application/octet-stream"
                                        : essence == "application/json");
  if (good) return {};
  Problem problem(Errc::invalid, octets ? "the content is taken as message/rfc822 only"
                                        : "the content is taken as application/json only");
  problem.status = 415;
  problem.word = "content_type";
  return std::unexpected(problem);
}

http::Answer in_http(Response response, const http::Request& request) {
  if (request.field("sec-fetch-site") != nullptr) hide_basic(response.fields);
  http::Answer answer;
  answer.response.status = response.status;
  answer.response.fields = std::move(response.fields);
  // What somebody may see, nobody else finds in a cache.
  answer.response.fields.push_back({"Cache-Control", "no-store"});
  answer.response.fields.push_back({"X-Content-Type-Options", "nosniff"});
  answer.response.content = std::move(response.body);
  return answer;
}

} // namespace

bool comes_from_elsewhere(const http::Request& request, bool encrypted) {
  if (const std::string* site = request.field("sec-fetch-site")) return *site != "same-origin" && *site != "none";
  const std::string* origin = request.field("origin");
  return origin != nullptr && !is_ours(*origin, request, encrypted);
}

bool comes_from_here(const http::Request& request, bool encrypted) {
  if (const std::string* site = request.field("sec-fetch-site")) return *site == "same-origin";
  const std::string* origin = request.field("origin");
  return origin != nullptr && is_ours(*origin, request, encrypted);
}

std::uint64_t ApiSite::most_content(const http::Request& request, const http::Visitor& visitor) const {
  const auto target = parse_target(target_of(request));
  const auto match = target ? match_action(method_of(request), target->segments) : Match();
  if (match.action == nullptr) return kUnknownBody;
  const bool stranger = !visitor.uid && request.field("authorization") == nullptr && request.field("cookie") == nullptr;
  return stranger ? std::min<std::uint64_t>(most_body(*match.action), kUnknownBody) : most_body(*match.action);
}

Context& ApiSite::context() { return *parts_.control.context_; }

Task<http::Answer> ApiSite::answer(http::Exchange exchange) {
  const http::Request& request = exchange.request;
  auto asker = co_await find_asker(request, exchange.visitor);
  if (!asker) {
    Response refusal = problem_response(asker.error());
    co_return in_http(std::move(refusal), request);
  }
  if (asker->clear && !is_this_machine(asker->from) && !exchange.content.empty()) {
    Response refusal = problem_response(unprotected());
    co_return in_http(std::move(refusal), request);
  }
  if (const auto good = check_type(exchange, *asker); !good) {
    Response refusal = problem_response(good.error());
    co_return in_http(std::move(refusal), request);
  }
  const Asker who = *asker;
  const std::string* tag = request.field("if-match");
  Request asked{method_of(request), target_of(request), std::move(exchange.content), "", tag ? *tag : std::string()};
  asked.content_type = media_type_of(request);
  if (const std::string* key = request.field("idempotency-key")) asked.idempotency_key = *key;
  Task<Response> running = parts_.control.handle(std::move(asked), std::move(*asker));
  Response response = co_await std::move(running);
  if (response.status == 200 && wants_events(request)) {
    Asker whose = who;
    http::Exchange opened = std::move(exchange);
    Task<http::Answer> opening = open_stream(std::move(opened), std::move(whose));
    http::Answer stream = co_await std::move(opening);
    co_return stream;
  }
  co_return in_http(std::move(response), request);
}

Task<Found<Asker>> ApiSite::find_asker(const http::Request& request, const http::Visitor& visitor) {
  if (visitor.uid) co_return asker_of_user(*visitor.uid);
  if (comes_from_elsewhere(request, visitor.encrypted)) co_return std::unexpected(elsewhere());
  if (request.field("authorization") == nullptr) {
    auto found = co_await by_cookie(request, visitor);
    co_return found;
  }
  if (!visitor.encrypted && !is_this_machine(visitor.address)) co_return std::unexpected(unprotected());
  std::string address = visitor.address;
  if (const auto token = http::bearer_token(request)) {
    std::string shown(*token);
    auto found = co_await by_token(std::move(shown), std::move(address));
    co_return found;
  }
  auto login = http::basic_login(request);
  if (!login) co_return std::unexpected(wrong_login("the field Authorization says nothing that is known here"));
  auto found = co_await by_password(std::move(login->user), std::move(login->password), std::move(address));
  co_return found;
}

Task<Found<Asker>> ApiSite::by_token(std::string token, std::string address) {
  const std::string nobody; // counts for the address only
  const auto wait = parts_.guard.begin(address, nobody);
  if (wait.count() > 0) co_return std::unexpected(too_many_logins(wait));
  std::string why, from = address;
  auto found = co_await asker_of_token(*parts_.control.context_, std::move(token), std::move(from), why);
  // A token is no login: where it is used from says nothing of where its account is at home.
  if (!found || *found) parts_.guard.withdrawn(address, nobody);
  if (!found) co_return std::unexpected(found.error());
  if (*found) co_return std::move(**found);
  log_refused(address, nobody, "bearer", why);
  const auto delay = parts_.guard.failed(address, nobody, std::string(kProtocol));
  co_await net::sleep_for(delay);
  co_return std::unexpected(wrong_login("the token is not valid"));
}

Task<Found<Asker>> ApiSite::by_password(std::string user, std::string password, std::string address) {
  Context& context = *parts_.control.context_;
  PasswordGiven given{std::move(user), std::move(password)};
  std::string from = address;
  auto account = co_await check_login(context, std::move(given), std::move(from), LoginWay::basic);
  if (!account) co_return std::unexpected(account.error());
  Asker asker;
  asker.name = account->login;
  asker.from = std::move(address);
  store::Account whose = std::move(*account);
  auto grants = co_await grants_of(context, std::move(whose));
  if (!grants) co_return std::unexpected(grants.error());
  asker.grants = std::move(*grants);
  co_return asker;
}

/// A cookie that is good for nothing any more is as good as none: so one can log in again.
Task<Found<Asker>> ApiSite::by_cookie(const http::Request& request, const http::Visitor& visitor) {
  Asker nobody;
  nobody.from = visitor.address;
  nobody.clear = !visitor.encrypted;
  if (nobody.clear && !is_this_machine(visitor.address)) co_return nobody;
  const auto shown = http::cookie(request, nobody.clear ? kClearSessionCookie : kSessionCookie);
  if (!shown) co_return nobody;
  if (!comes_from_here(request, visitor.encrypted)) co_return std::unexpected(elsewhere());
  std::string cookie(*shown), address = visitor.address;
  Context& context = *parts_.control.context_;
  auto found = co_await asker_of_session(context, std::move(cookie), std::move(address));
  if (!found) co_return std::unexpected(found.error());
  if (!*found) co_return nobody;
  Asker asker = std::move(**found);
  asker.clear = nobody.clear;
  co_return asker;
}

} // namespace paquebot::control
