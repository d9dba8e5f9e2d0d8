#include "base/clock.h"
#include "base/text.h"
#include "control/dispatch.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"
#include "control/token.h"
#include "mail/timestamp.h"
#include "mailauth/crypto.h"
#include "net/network.h"

#include <algorithm>

namespace paquebot::control {
namespace {

constexpr std::string_view kPrefix = "pq_";
constexpr std::size_t kLetters = 32; // of five bits each
constexpr std::size_t kMostLabel = 64;
constexpr std::size_t kMostItems = 100;
/// The use of a token is written down at most so often, as long as it comes from one address.
constexpr std::int64_t kUseToldEach = 5 * 60 * 1000;

Found<std::string> read_token_label(std::string_view text) {
  const std::string label(trim(text));
  if (label.empty() || label.size() > kMostLabel || !is_utf8(label) || printable(label) != label)
    return refuse(Errc::invalid, "a token needs a label of at most 64 octets, such as \"backup\"", {}, "label");
  return label;
}

Found<std::vector<std::string>> read_scopes(const json::object& request) {
  const auto texts = texts_field(request, "scopes");
  if (!texts) return std::unexpected(texts.error());
  std::string known;
  for (const Scope& scope : scopes()) known += (known.empty() ? "" : ", ") + std::string(scope.name);
  if (texts->empty() || texts->size() > kMostItems)
    return refuse(Errc::invalid, "say what the token is good for", "known scopes are " + known, "scopes");
  for (const std::string& text : *texts)
    if (!is_scope(text))
      return refuse(Errc::invalid, "there is no scope " + printable(text, 64), "known are " + known, "scopes");
  return *texts;
}

Found<std::vector<std::string>> read_networks(const json::object& request) {
  const auto texts = texts_field(request, "networks");
  if (!texts) return std::unexpected(texts.error());
  if (texts->size() > kMostItems) return refuse(Errc::invalid, "at most 100 networks", {}, "networks");
  const auto parsed = net::Networks::parse(*texts);
  if (!parsed) return refuse(Errc::invalid, parsed.error().message, {}, "networks");
  return *texts;
}

Task<Found<std::vector<std::string>>> read_domains(Context& context, const json::object& request) {
  const auto texts = texts_field(request, "domains");
  if (!texts) co_return std::unexpected(texts.error());
  if (texts->size() > kMostItems) co_return refuse(Errc::invalid, "at most 100 domains", {}, "domains");
  std::vector<std::string> domains;
  for (const std::string& text : *texts) {
    const auto domain = read_domain(text);
    if (!domain) co_return std::unexpected(domain.error());
    const auto ours = co_await need_domain(context, *domain);
    if (!ours) co_return std::unexpected(ours.error());
    domains.push_back(*domain);
  }
  co_return domains;
}

/// Whose the token is to be: that of `login`, else of whoever asks; root's is the server's own.
Task<Found<store::Account>> read_holder(Context& context, const Call& call, const json::value& request) {
  std::string login = get_text(request, "login");
  if (login.empty()) login = call.asker.grants.login;
  if (login.empty()) co_return store::Account();
  auto account = co_await need_account(context, std::move(login));
  co_return account;
}

Task<Found<store::Token>> read_wish(Context& context, const Call& call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  const json::object& request = *body;
  const json::value whole = request;
  auto label = read_token_label(get_text(whole, "label"));
  if (!label) co_return std::unexpected(label.error());
  auto good_for = read_scopes(request);
  if (!good_for) co_return std::unexpected(good_for.error());
  auto networks = read_networks(request);
  if (!networks) co_return std::unexpected(networks.error());
  auto domains = co_await read_domains(context, request);
  if (!domains) co_return std::unexpected(domains.error());
  const std::int64_t expires = get_time(whole, "expires");
  if (expires != 0 && expires <= millis(system_clock().wall()))
    co_return refuse(Errc::invalid, "\"expires\" is past already", {}, "expires");
  const auto holder = co_await read_holder(context, call, whole);
  if (!holder) co_return std::unexpected(holder.error());
  store::Token token;
  token.account = holder->id;
  token.login = holder->login;
  token.label = std::move(*label);
  token.scopes = std::move(*good_for);
  token.domains = std::move(*domains);
  token.networks = std::move(*networks);
  token.expires = expires;
  co_return token;
}

/// What the account may do, kept to the domains that the token names.
Grants within(Grants grants, const std::vector<std::string>& domains, const std::vector<store::Domain>& all) {
  if (domains.empty()) return grants;
  std::set<std::string> kept(domains.begin(), domains.end());
  for (const store::Domain& domain : all)
    if (!domain.alias_of.empty() && kept.contains(domain.alias_of)) kept.insert(domain.name);
  if (grants.role == Role::domain_admin)
    std::erase_if(kept, [&](const std::string& name) { return !grants.domains.contains(name); });
  const auto at = grants.login.rfind('@');
  const bool own = at != std::string::npos && kept.contains(grants.login.substr(at + 1));
  if (!own) {
    grants.login.clear();
    grants.account = 0;
  }
  if (grants.role >= Role::domain_admin) {
    grants.role = kept.empty() ? Role::nobody : Role::domain_admin;
    grants.domains = std::move(kept);
  } else if (!own) {
    grants.role = Role::nobody;
  }
  return grants;
}

Task<void> note_use(Context& context, store::Token token, std::string address) {
  const std::int64_t now = millis(system_clock().wall());
  if (token.used_from == address && now - token.used < kUseToldEach) co_return;
  const auto noted = co_await context.store.rights().use_token(token.id, now, std::move(address));
  (void)noted; // it is told again with the next use
}

/// The account's rights; root's tokens have an operator's.
Task<Found<Grants>> grants_of_holder(Context& context, const store::Token& token, std::string& why) {
  Grants grants;
  if (token.account == 0) {
    grants.role = Role::operator_;
    co_return grants;
  }
  const auto account = co_await context.store.directory().get_account(token.account);
  if (!account) co_return std::unexpected(account.error());
  if (account->disabled) {
    why = "the account is disabled";
    co_return grants;
  }
  store::Account whose = *account;
  auto theirs = co_await grants_of(context, std::move(whose));
  co_return theirs;
}

} // namespace

std::string make_token() { return std::string(kPrefix) + directory::make_letters(kLetters); }

bool is_token(std::string_view text) {
  return text.size() == kPrefix.size() + kLetters && text.starts_with(kPrefix) &&
         std::ranges::all_of(text.substr(kPrefix.size()), is_alnum);
}

std::string hash_of_token(std::string_view token) {
  const mailauth::Digest digest = mailauth::sha256(token);
  return {digest.begin(), digest.end()};
}

Task<Found<std::optional<Asker>>> asker_of_token(Context& context, std::string text, std::string address,
                                                 std::string& why) {
  why = "no such token";
  if (!is_token(text)) co_return std::nullopt;
  std::string hash = hash_of_token(text);
  const auto found = co_await context.store.rights().find_token(std::move(hash));
  if (!found && found.error().code == Errc::not_found) co_return std::nullopt;
  if (!found) co_return std::unexpected(found.error());
  const store::Token& token = *found;
  const auto networks = net::Networks::parse(token.networks);
  why = "the token has expired";
  if (token.expires != 0 && token.expires <= millis(system_clock().wall())) co_return std::nullopt;
  why = "the token is not for this network";
  if (!token.networks.empty() && (!networks || !networks->contains(address))) co_return std::nullopt;
  auto grants = co_await grants_of_holder(context, token, why);
  if (!grants) co_return std::unexpected(grants.error());
  if (grants->role == Role::nobody) co_return std::nullopt;
  const auto domains = co_await context.store.directory().list_domains();
  if (!domains) co_return std::unexpected(domains.error());
  Asker asker;
  asker.grants = within(std::move(*grants), token.domains, *domains);
  asker.scopes = token.scopes;
  asker.token = token.id;
  asker.name = (token.login.empty() ? std::string("the server") : token.login) + "'s token " + token.label;
  asker.from = address;
  store::Token used = token;
  co_await note_use(context, std::move(used), std::move(address));
  why.clear();
  co_return asker;
}

Task<Answer> list_tokens(Context& context, Call call) {
  std::optional<store::Id> of;
  if (std::string login = call.ask("login"); !login.empty()) {
    const auto account = co_await need_account(context, std::move(login));
    if (!account) co_return std::unexpected(account.error());
    of = account->id;
  }
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  const auto after = page->after.empty() ? std::optional<std::uint64_t>(0) : parse_u64(page->after);
  if (!after || *after > INT64_MAX)
    co_return refuse(Errc::invalid, "\"after\" must be what the last answer said as \"next\"", {}, "after");
  store::Within within = within_reach(call.asker);
  const auto behind = static_cast<store::Id>(*after);
  const std::size_t most = page->limit + 1;
  auto tokens = co_await context.store.rights().page_tokens(of, std::move(within), behind, most);
  if (!tokens) co_return std::unexpected(tokens.error());
  const bool more = cut_to(*tokens, page->limit);
  json::array list;
  for (const store::Token& token : *tokens) list.push_back(present(token));
  json::object out{{"tokens", std::move(list)}};
  if (more) out["next"] = std::to_string(tokens->back().id);
  co_return out;
}

Task<Answer> add_token(Context& context, Call call) {
  auto wanted = co_await read_wish(context, call);
  if (!wanted) co_return std::unexpected(wanted.error());
  const std::string secret = make_token();
  wanted->hash = hash_of_token(secret);
  const std::string login = wanted->login;
  auto added = co_await context.store.rights().add_token(std::move(*wanted));
  if (!added) co_return std::unexpected(added.error());
  added->login = login;
  json::object out = present(*added);
  out["token"] = secret;
  co_return out;
}

Task<Answer> remove_token(Context& context, Call call) {
  const auto number = parse_u64(call.names[0]);
  if (!number || *number > INT64_MAX) co_return std::unexpected(no_token(call.names[0]));
  const auto id = static_cast<store::Id>(*number);
  const auto found = co_await context.store.rights().get_token(id);
  if (!found && found.error().code == Errc::not_found) co_return std::unexpected(no_token(call.names[0]));
  if (!found) co_return std::unexpected(found.error());
  const auto removed = co_await context.store.rights().remove_token(found->id);
  if (!removed) co_return std::unexpected(removed.error());
  co_return present(*found);
}

} // namespace paquebot::control
