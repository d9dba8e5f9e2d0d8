#include "control/api_site.h"

#include "base/log.h"
#include "base/text.h"
#include "control/dispatch.h"
#include "control/token.h"
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

Problem wrong_login(std::string detail) {
  Problem problem(Errc::permission, std::move(detail), "ask whoever looks after this server for another one");
  problem.status = 401;
  problem.word = "wrong_login";
  return problem;
}

Problem too_many(std::chrono::seconds wait) {
  Problem problem(Errc::temporary, "too many logins failed lately", "come again later");
  problem.status = 429;
  problem.word = "slow_down";
  problem.retry = static_cast<std::uint32_t>(wait.count());
  return problem;
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

http::Answer in_http(Response response) {
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

bool comes_from_elsewhere(const http::Request& request) {
  if (const std::string* site = request.field("sec-fetch-site")) return *site != "same-origin" && *site != "none";
  const std::string* origin = request.field("origin");
  if (origin == nullptr) return false;
  const auto begin = origin->find("://");
  if (begin == origin->npos) return true; // "null", too
  const std::string scheme = origin->substr(0, begin);
  const std::uint16_t usual = scheme == "https" ? 443 : 80;
  const std::string_view rest = std::string_view(*origin).substr(begin + 3);
  const auto colon = rest.find_last_of(":]");
  const bool has_port = colon != rest.npos && rest[colon] == ':';
  const auto port = has_port ? parse_u64(rest.substr(colon + 1)) : std::optional<std::uint64_t>(usual);
  const std::string_view host = has_port ? rest.substr(0, colon) : rest;
  return !port || !iequals(host, request.host) || *port != request.port.value_or(usual);
}

std::uint64_t ApiSite::most_content(const http::Request& request, const http::Visitor& visitor) const {
  const auto target = parse_target(target_of(request));
  const auto match = target ? match_action(method_of(request), target->segments) : Match();
  if (match.action == nullptr) return kUnknownBody;
  const bool stranger = !visitor.uid && request.field("authorization") == nullptr;
  return stranger ? std::min<std::uint64_t>(most_body(*match.action), kUnknownBody) : most_body(*match.action);
}

Task<http::Answer> ApiSite::answer(http::Exchange exchange) {
  const http::Request& request = exchange.request;
  auto asker = co_await find_asker(request, exchange.visitor);
  if (!asker) {
    Response refusal = problem_response(asker.error());
    co_return in_http(std::move(refusal));
  }
  const std::string* tag = request.field("if-match");
  Request asked{method_of(request), target_of(request), std::move(exchange.content), "", tag ? *tag : std::string()};
  Task<Response> running = parts_.control.handle(std::move(asked), std::move(*asker));
  Response response = co_await std::move(running);
  co_return in_http(std::move(response));
}

Task<Found<Asker>> ApiSite::find_asker(const http::Request& request, const http::Visitor& visitor) {
  if (visitor.uid) co_return asker_of_user(*visitor.uid);
  if (comes_from_elsewhere(request)) co_return std::unexpected(elsewhere());
  Asker nobody;
  nobody.from = visitor.address;
  if (request.field("authorization") == nullptr) co_return nobody; // sessions of the console: their cookie comes here
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
  if (wait.count() > 0) co_return std::unexpected(too_many(wait));
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
  using Verdict = directory::Login::Verdict;
  std::string asked = user;
  const std::string name = co_await parts_.directory.login_name(std::move(asked));
  const auto wait = parts_.guard.begin(address, name);
  if (wait.count() > 0) co_return std::unexpected(too_many(wait));
  const auto turn = parts_.guard.knows(address, name) ? directory::Turn::first : directory::Turn::last;
  std::string given = user, nobody_else;
  const directory::Login login =
      co_await parts_.directory.login(std::move(nobody_else), std::move(given), std::move(password), turn);
  if (login.verdict == Verdict::temporary) {
    parts_.guard.withdrawn(address, name);
    co_return refuse(Errc::temporary, "the login can't be checked now", "try again");
  }
  if (login.verdict != Verdict::accepted) {
    log_refused(address, user, "basic",
                login.verdict == Verdict::disabled ? "the account is disabled" : "wrong name or password");
    const auto delay = parts_.guard.failed(address, name, std::string(kProtocol));
    co_await net::sleep_for(delay);
    co_return std::unexpected(wrong_login("the name or the password is wrong"));
  }
  parts_.guard.succeeded(address, name, login.account.login, std::string(kProtocol));
  if (login.password.id != 0) {
    log_refused(address, user, "basic", "an app password is for mail only");
    co_return std::unexpected(
        wrong_login("an app password is for mail only: here it takes the account's own, or a token"));
  }
  store::Account account = login.account;
  auto grants = co_await grants_of(*parts_.control.context_, std::move(account));
  if (!grants) co_return std::unexpected(grants.error());
  Asker asker;
  asker.grants = std::move(*grants);
  asker.name = login.account.login;
  asker.from = address;
  co_return asker;
}

} // namespace paquebot::control
