#include "acme/message.h"

#include "acme/key.h"
#include "base/text.h"
#include "mail/timestamp.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

namespace paquebot::acme {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostUrl = 2048;
constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostAuthorizations = 10;
constexpr std::size_t kMostChallenges = 20;
constexpr std::size_t kMostSubproblems = 5;
constexpr std::size_t kMostToken = 512;
constexpr std::size_t kMostWords = 400;

Result<json::object> parse(const std::string& content, const char* what) {
  if (content.size() > kMostAnswer) return fail(Errc::refused, std::string(what) + " is too large");
  json::parse_options options;
  options.max_depth = kMostDepth;
  boost::system::error_code error;
  json::value value = json::parse(content, error, {}, options);
  if (error || !value.is_object()) return fail(Errc::refused, std::string(what) + " is not JSON");
  return std::move(value.as_object());
}

std::string member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// The URL of that member; empty when there is none, or it is none that may be asked.
std::string url_of(const json::object& object, std::string_view name) {
  std::string url = member(object, name);
  return is_authority_url(url) ? url : std::string();
}

const json::object* child(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? &value->as_object() : nullptr;
}

const json::array& list(const json::object& object, std::string_view name) {
  static const json::array kNone;
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->as_array() : kNone;
}

State state_of(const std::string& word) {
  static constexpr std::pair<std::string_view, State> kWords[] = {{"pending", State::pending},
                                                                  {"processing", State::processing},
                                                                  {"ready", State::ready},
                                                                  {"valid", State::valid},
                                                                  {"invalid", State::invalid}};
  for (const auto& [known, state] : kWords)
    if (word == known) return state;
  return State::other;
}

Problem problem_of(const json::object& object) {
  static constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";
  Problem problem;
  const std::string type = member(object, "type");
  if (type.starts_with(kPrefix)) problem.kind = printable(type.substr(kPrefix.size()), 64);
  problem.words = printable(member(object, "detail"), kMostWords);
  const std::string instance = member(object, "instance");
  if (is_authority_url(instance)) problem.instance = instance;
  std::size_t told = 0;
  for (const json::value& each : list(object, "subproblems")) {
    if (!each.is_object() || ++told > kMostSubproblems) continue;
    const json::object* about = child(each.as_object(), "identifier");
    const std::string name = about != nullptr ? printable(member(*about, "value"), 100) : std::string();
    problem.words += fmt::format("{}{}{}{}", problem.words.empty() ? "" : "; ", name, name.empty() ? "" : ": ",
                                 printable(member(each.as_object(), "detail"), kMostWords));
  }
  return problem;
}

std::vector<std::string> names_in(const json::object& object) {
  std::vector<std::string> names;
  for (const json::value& each : list(object, "identifiers"))
    if (each.is_object() && names.size() <= kMostAuthorizations)
      names.push_back(to_lower(member(each.as_object(), "value")));
  std::ranges::sort(names);
  return names;
}

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kMostToken &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

std::optional<Challenge> challenge_of(const json::object& object) {
  const auto kind = challenge_kind(member(object, "type"));
  Challenge challenge;
  challenge.url = url_of(object, "url");
  challenge.token = member(object, "token");
  if (!kind || challenge.url.empty() || !is_token(challenge.token)) return {};
  challenge.kind = *kind;
  challenge.state = state_of(member(object, "status"));
  if (const json::object* error = child(object, "error")) challenge.problem = problem_of(*error);
  return challenge;
}

/// RFC 3339 with any zone; our own reader takes UTC only, as nearly all write it.
std::optional<std::int64_t> moment_of(std::string text) {
  std::int64_t shift = 0;
  if (text.size() > 6 && text[text.size() - 3] == ':' &&
      (text[text.size() - 6] == '+' || text[text.size() - 6] == '-')) {
    const auto hours = parse_u64(std::string_view(text).substr(text.size() - 5, 2));
    const auto minutes = parse_u64(std::string_view(text).substr(text.size() - 2));
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return {};
    shift = static_cast<std::int64_t>(*hours * 60 + *minutes) * 60'000;
    if (text[text.size() - 6] == '+') shift = -shift;
    text = text.substr(0, text.size() - 6) + "Z";
  }
  const auto read = mail::parse_timestamp(text);
  return read ? std::optional(millis(*read) + shift) : std::nullopt;
}

} // namespace

std::string_view name_of(ChallengeKind kind) {
  switch (kind) {
    case ChallengeKind::tls_alpn: return "tls-alpn-01";
    case ChallengeKind::http: return "http-01";
    case ChallengeKind::dns: return "dns-01";
  }
  return "";
}

std::optional<ChallengeKind> challenge_kind(std::string_view name) {
  for (const auto kind : {ChallengeKind::tls_alpn, ChallengeKind::http, ChallengeKind::dns})
    if (name == name_of(kind)) return kind;
  return {};
}

bool is_authority_url(std::string_view url) {
  static constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme) || url.size() > kMostUrl) return false;
  const std::string_view rest = url.substr(kScheme.size());
  const std::string_view host = rest.substr(0, rest.find_first_of("/?"));
  return !host.empty() && host.front() != ':' && host.find_first_of("@\\") == host.npos &&
         std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7F && c != '#' && c != '"' && c != '\\'; });
}

Result<Directory> read_directory(const std::string& content) {
  const auto object = parse(content, "the authority's directory");
  if (!object) return std::unexpected(object.error());
  Directory directory;
  directory.new_nonce = url_of(*object, "newNonce");
  directory.new_account = url_of(*object, "newAccount");
  directory.new_order = url_of(*object, "newOrder");
  directory.renewal_info = url_of(*object, "renewalInfo");
  if (directory.new_nonce.empty() || directory.new_account.empty() || directory.new_order.empty())
    return fail(Errc::refused, "what acme.directory leads to is no directory of an authority (RFC 8555)");
  if (const json::object* meta = child(*object, "meta")) {
    directory.terms = printable(member(*meta, "termsOfService"), kMostUrl);
    const json::value* external = meta->if_contains("externalAccountRequired");
    directory.external_account = external != nullptr && external->is_bool() && external->as_bool();
  }
  return directory;
}

Result<Order> read_order(const std::string& content) {
  const auto object = parse(content, "the order");
  if (!object) return std::unexpected(object.error());
  Order order;
  order.state = state_of(member(*object, "status"));
  order.names = names_in(*object);
  for (const json::value& each : list(*object, "authorizations")) {
    if (!each.is_string() || !is_authority_url(each.as_string()) || order.authorizations.size() == kMostAuthorizations)
      return fail(Errc::refused, "the authority wants more than it may for an order");
    order.authorizations.emplace_back(each.as_string());
  }
  order.finalize = url_of(*object, "finalize");
  order.certificate = url_of(*object, "certificate");
  if (const json::object* error = child(*object, "error")) order.problem = problem_of(*error);
  if (order.state == State::other || order.finalize.empty() || order.authorizations.empty())
    return fail(Errc::refused, "what the authority says of the order can't be understood");
  return order;
}

Result<Authorization> read_authorization(const std::string& content) {
  const auto object = parse(content, "the authorization");
  if (!object) return std::unexpected(object.error());
  Authorization authorization;
  authorization.state = state_of(member(*object, "status"));
  if (const json::object* about = child(*object, "identifier")) authorization.name = to_lower(member(*about, "value"));
  for (const json::value& each : list(*object, "challenges")) {
    if (!each.is_object() || authorization.challenges.size() == kMostChallenges) continue;
    if (auto challenge = challenge_of(each.as_object())) authorization.challenges.push_back(std::move(*challenge));
  }
  if (authorization.name.empty()) return fail(Errc::refused, "what the authority says of a name can't be understood");
  return authorization;
}

Problem read_problem(const Reply& reply) {
  const auto object = parse(reply.content, "the problem");
  return object ? problem_of(*object) : Problem{};
}

Result<Window> read_window(const std::string& content) {
  const auto object = parse(content, "what the authority says of the renewal");
  if (!object) return std::unexpected(object.error());
  const json::object* suggested = child(*object, "suggestedWindow");
  const auto start = suggested != nullptr ? moment_of(member(*suggested, "start")) : std::nullopt;
  const auto end = suggested != nullptr ? moment_of(member(*suggested, "end")) : std::nullopt;
  if (!start || !end || *end <= *start)
    return fail(Errc::refused, "what the authority says of the renewal can't be understood");
  return Window{*start, *end, url_of(*object, "explanationURL")};
}

Result<std::string> read_location(const Reply& reply) {
  const std::string* location = http::find_field(reply.fields, "location");
  if (location == nullptr || !is_authority_url(*location))
    return fail(Errc::refused, "the authority's answer does not say where to go on");
  return *location;
}

std::string explain(const Problem& problem, unsigned status) {
  static constexpr std::pair<std::string_view, std::string_view> kMeanings[] = {
      {"rateLimited", "the authority has had enough requests for now; it is tried again later"},
      {"userActionRequired", "the terms of the authority have changed: read them, and say acme.agree_tos again"},
      {"externalAccountRequired", "this authority wants acme.eab_kid and acme.eab_key_file, which it gives you"},
      {"unauthorized", "the authority did not get our answer where the name leads"},
      {"connection", "the authority could not connect to where the name leads: are 443 or 80 open to it?"},
      {"dns", "the authority could not look the name up"},
      {"dnssec", "the authority found the name's zone wrongly signed"},
      {"tls", "the authority could not speak TLS with where the name leads"},
      {"caa", "the zone's CAA record does not let this authority give certificates"},
      {"rejectedIdentifier", "the authority gives no certificates for this name"},
      {"unsupportedContact", "the authority does not take acme.contact"},
      {"invalidContact", "the authority does not take acme.contact"},
      {"incorrectResponse", "the authority got another answer than ours where the name leads"},
      {"accountDoesNotExist", "the authority does not know our account any more"},
      {"orderNotReady", "the authority is not ready for the order"},
      {"badCSR", "the authority did not take our request"},
      {"badPublicKey", "the authority did not take our key"},
      {"serverInternal", "the authority failed by itself"},
  };
  std::string meaning;
  for (const auto& [kind, words] : kMeanings)
    if (problem.kind == kind) meaning = words;
  if (meaning.empty()) meaning = fmt::format("the authority refused (HTTP {})", status);
  if (!problem.words.empty()) meaning += fmt::format(" (it says: \"{}\")", problem.words);
  if (!problem.instance.empty()) meaning += ": see " + problem.instance;
  return meaning;
}

} // namespace paquebot::acme
