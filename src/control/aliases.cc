#include "base/text.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"

#include <algorithm>
#include <map>

namespace paquebot::control {
namespace {

constexpr std::size_t kMaxTargets = 1000;

/// What a request asks of an address: targets, or the account it leads to.
struct WantedAlias {
  mail::Address address;
  std::vector<std::string> targets;
  std::string account;
  std::optional<std::vector<std::string>> senders; ///< absent: as they are
};

constexpr std::size_t kMaxSenders = 100;

/// "domain", "members", addresses, domains; "anyone" alone for none of them.
Result<std::optional<std::vector<std::string>>> read_senders(const json::object& object) {
  using List = std::vector<std::string>;
  if (!object.contains("senders")) return std::nullopt;
  const auto texts = texts_field(object, "senders");
  if (!texts) return std::unexpected(texts.error());
  if (texts->empty() || texts->size() > kMaxSenders)
    return fail(Errc::invalid, "name 1 to 100 senders: anyone, domain, members, addresses or domains");
  if (texts->size() == 1 && iequals(texts->front(), "anyone")) return List();
  List senders;
  for (const std::string& text : *texts) {
    if (iequals(text, "anyone")) return fail(Errc::invalid, "\"anyone\" stands alone");
    std::string one = to_lower(text);
    if (text.contains('@')) {
      const auto address = read_address(text, "the sender");
      if (!address) return std::unexpected(address.error());
      one = address->to_string();
    } else if (one != "domain" && one != "members") {
      const auto domain = read_domain(text);
      if (!domain) return std::unexpected(domain.error());
      one = *domain;
    }
    if (std::ranges::find(senders, one) == senders.end()) senders.push_back(std::move(one));
  }
  return senders;
}

Result<std::vector<std::string>> read_targets(const std::vector<std::string>& texts) {
  std::vector<std::string> targets;
  for (const auto& text : texts) {
    auto target = mail::parse_address(text);
    if (!target)
      return fail(Errc::invalid,
                  "the target \"" + printable(text, 256) + "\" is not an address: " + target.error().message);
    targets.push_back(target->to_string());
  }
  return targets;
}

Result<WantedAlias> read_wanted(const std::string& body) {
  const auto object = parse_object(body, "the request");
  if (!object) return std::unexpected(object.error());
  if (auto known = only_fields(*object, {"address", "targets", "account", "senders"}); !known)
    return std::unexpected(known.error());
  const auto address = text_field(*object, "address");
  if (!address) return std::unexpected(address.error());
  auto parsed = read_address(address->value_or(""), "the alias");
  if (!parsed) return std::unexpected(parsed.error());
  if (mail::has_odd_dots(parsed->local))
    return fail(Errc::invalid, "an alias's dots stand alone and within its name: many servers take no other address");
  const auto texts = texts_field(*object, "targets");
  if (!texts) return std::unexpected(texts.error());
  if (texts->size() > kMaxTargets) return fail(Errc::invalid, "at most 1000 targets at once");
  auto targets = read_targets(*texts);
  if (!targets) return std::unexpected(targets.error());
  const auto account = text_field(*object, "account");
  if (!account) return std::unexpected(account.error());
  if (targets->empty() == !*account) return fail(Errc::invalid, "an alias needs targets, or the account it belongs to");
  auto senders = read_senders(*object);
  if (!senders) return std::unexpected(senders.error());
  return WantedAlias{std::move(*parsed), std::move(*targets), account->value_or(""), std::move(*senders)};
}

Problem no_alias(const std::string& name) {
  return {Errc::not_found, "there is no alias " + name, "paquebot alias list names them"};
}

bool is_ours(const std::vector<store::Domain>& domains, const std::string& name) {
  return std::ranges::any_of(domains, [&](const auto& domain) { return domain.name == name; });
}

/// Targets of ours that do not exist would hold mail: refused while the mistake is fresh.
Task<Result<>> check_targets(Context& context, std::vector<std::string> targets, mail::Address alias) {
  const auto domains = co_await context.store.directory().list_domains();
  if (!domains) co_return std::unexpected(domains.error());
  for (const auto& target : targets) {
    auto address = mail::parse_address(target);
    if (!address || !is_ours(*domains, address->domain)) continue;
    if (iequals(address->local, alias.local) && address->domain == alias.domain) continue;
    const auto resolved = co_await context.directory.resolve(std::move(*address));
    if (!resolved) co_return std::unexpected(resolved.error());
    using Kind = directory::Resolution::Kind;
    if (resolved->kind == Kind::unknown || resolved->kind == Kind::not_yet) {
      co_return fail(Errc::not_found,
                     "the target " + target + " does not exist here: add it first, as an account or an alias");
    }
  }
  co_return Result<>{};
}

} // namespace

Task<Answer> list_aliases(Context& context, Call call) {
  std::string only = call.ask("domain");
  if (!only.empty()) {
    const auto name = read_domain(only);
    if (!name) co_return std::unexpected(name.error());
    only = *name;
    if (const auto ours = co_await need_domain(context, only); !ours) co_return std::unexpected(ours.error());
  }
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  store::Within within = only.empty() ? within_reach(call.asker) : within_domain(std::move(only));
  std::string after = page->after;
  const std::size_t most = page->limit + 1;
  auto entries = co_await context.store.directory().page_aliases(std::move(within), std::move(after), most);
  if (!entries) co_return std::unexpected(entries.error());
  const bool more = cut_to(*entries, page->limit);
  std::map<store::Id, std::string> logins;
  json::array list;
  for (const auto& entry : *entries) {
    if (entry.account != 0 && !logins.contains(entry.account)) {
      const auto account = co_await context.store.directory().get_account(entry.account);
      logins[entry.account] = account ? account->login : std::string();
    }
    list.push_back(present(entry, entry.account == 0 ? std::string() : logins[entry.account]));
  }
  json::object out{{"aliases", std::move(list)}};
  if (more) out["next"] = entries->back().local + "@" + entries->back().domain;
  co_return out;
}

Task<Answer> add_alias(Context& context, Call call) {
  auto wanted = read_wanted(call.body);
  if (!wanted) co_return std::unexpected(wanted.error());
  const mail::Address address = wanted->address;
  if (const auto ours = co_await need_domain(context, address.domain); !ours) co_return std::unexpected(ours.error());
  store::AddressEntry entry{address.local, address.domain, 0, wanted->targets,
                            wanted->senders.value_or(std::vector<std::string>())};
  if (!wanted->account.empty()) {
    const auto account = co_await need_account(context, wanted->account);
    if (!account) co_return std::unexpected(account.error());
    entry.account = account->id;
  } else {
    const auto checked = co_await check_targets(context, wanted->targets, address);
    if (!checked) co_return std::unexpected(checked.error());
  }
  const auto added = co_await context.store.directory().add_address(entry);
  const std::string name = address.local + "@" + address.domain;
  if (!added && added.error().code == Errc::conflict) {
    co_return refuse(Errc::conflict, name + " is taken already, by an account or an alias of another kind",
                     "paquebot alias list names them");
  }
  if (!added) co_return std::unexpected(added.error());
  const auto now = co_await context.store.directory().find_address(address.local, address.domain);
  if (!now) co_return std::unexpected(now.error());
  const auto& stored = now->entry || address.local != "*" ? now->entry : now->catch_all;
  co_return present(stored.value_or(entry), wanted->account);
}

Task<Answer> show_alias(Context& context, Call call) {
  const auto address = read_address(call.names[0], "the alias");
  if (!address) co_return std::unexpected(address.error());
  const auto found = co_await context.store.directory().find_address(address->local, address->domain);
  if (!found) co_return std::unexpected(found.error());
  const auto& entry = found->entry || address->local != "*" ? found->entry : found->catch_all;
  if (!entry) co_return std::unexpected(no_alias(address->local + "@" + address->domain));
  std::string login;
  if (entry->account != 0) {
    const auto account = co_await context.store.directory().get_account(entry->account);
    if (!account) co_return std::unexpected(account.error());
    login = account->login;
  }
  co_return present(*entry, login);
}

Task<Answer> change_alias(Context& context, Call call) {
  const auto address = read_address(call.names[0], "the alias");
  if (!address) co_return std::unexpected(address.error());
  const auto object = parse_object(call.body, "the request");
  if (!object) co_return std::unexpected(object.error());
  if (auto known = only_fields(*object, {"senders"}); !known) co_return std::unexpected(known.error());
  auto senders = read_senders(*object);
  if (!senders) co_return std::unexpected(senders.error());
  if (!*senders) co_return fail(Errc::invalid, "the request names nothing to change");
  const std::string name = address->local + "@" + address->domain;
  const auto set = co_await context.store.directory().set_senders(address->local, address->domain, **senders);
  if (!set && set.error().code == Errc::not_found) co_return std::unexpected(no_alias(name));
  if (!set) co_return std::unexpected(set.error());
  json::array list;
  for (const std::string& one : **senders) list.emplace_back(one);
  co_return json::object{{"address", name}, {"senders", std::move(list)}};
}

Task<Answer> remove_alias(Context& context, Call call) {
  const auto address = read_address(call.names[0], "the alias");
  if (!address) co_return std::unexpected(address.error());
  std::string target = call.ask("target");
  if (!target.empty()) {
    const auto parsed = mail::parse_address(target);
    if (!parsed) co_return fail(Errc::invalid, "the target is not an address: " + parsed.error().message);
    target = parsed->to_string();
  }
  const std::string name = address->local + "@" + address->domain;
  const auto found = co_await context.store.directory().find_address(address->local, address->domain);
  if (!found) co_return std::unexpected(found.error());
  const auto& entry = found->entry || address->local != "*" ? found->entry : found->catch_all;
  if (!entry) co_return std::unexpected(no_alias(name));
  if (entry->account != 0) {
    const auto account = co_await context.store.directory().get_account(entry->account);
    if (!account) co_return std::unexpected(account.error());
    if (account->login == name && entry->targets.empty()) {
      co_return refuse(Errc::conflict, name + " is an account, not an alias", "paquebot account remove " + name);
    }
  }
  const auto removed = co_await context.store.directory().remove_address(address->local, address->domain, target);
  if (!removed && removed.error().code == Errc::not_found) {
    co_return fail(Errc::not_found, "the alias " + name + " does not lead to " + target);
  }
  if (!removed) co_return std::unexpected(removed.error());
  co_return json::object{{"removed", name}};
}

} // namespace paquebot::control
