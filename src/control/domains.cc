#include "base/text.h"
#include "control/dkim.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"

namespace paquebot::control {
namespace {

json::object present_domain(const store::Domain& domain, const std::string& owner) {
  json::object out{{"name", domain.name}, {"display_name", mail::display_domain(domain.name)}};
  if (!domain.alias_of.empty()) out["alias_of"] = domain.alias_of;
  if (owner.empty()) {
    out["owner"] = nullptr;
  } else {
    out["owner"] = owner;
  }
  return out;
}

/// Gives a new domain its keys; why not, when that fails: it is added all the same, and only sends unsigned.
Task<std::string> add_keys(Context& context, std::string domain) {
  std::vector<store::DkimKey> none;
  auto made = co_await make_dkim_keys(context, store::DkimKey::State::active, std::move(none));
  if (!made) co_return made.error().message;
  const auto added = co_await context.store.keys().add_dkim_keys(domain, std::move(*made));
  if (!added) co_return added.error().message;
  co_return std::string();
}

Task<Found<store::Domain>> make_domain(Context& context, std::string name, std::string of) {
  if (of.empty()) {
    auto added = co_await context.store.directory().add_domain(std::move(name));
    if (!added) co_return std::unexpected(added.error());
    co_return std::move(*added);
  }
  auto target = read_domain(of);
  if (!target) co_return std::unexpected(target.error());
  if (auto ours = co_await need_domain(context, *target); !ours) co_return std::unexpected(ours.error());
  std::string domain = std::move(*target);
  auto added = co_await context.store.directory().add_alias_domain(std::move(name), std::move(domain));
  if (!added) co_return std::unexpected(added.error());
  co_return std::move(*added);
}

/// The login of whoever owns it; empty: nobody does.
Task<std::string> owner_of(Context& context, const store::Domain& domain) {
  if (domain.owner == 0) co_return std::string();
  const auto account = co_await context.store.directory().get_account(domain.owner);
  co_return account ? account->login : std::string();
}

} // namespace

Task<Answer> list_domains(Context& context, Call call) {
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  store::Within within = within_reach(call.asker);
  std::string after = page->after;
  const std::size_t most = page->limit + 1;
  auto domains = co_await context.store.directory().page_domains(std::move(within), std::move(after), most);
  if (!domains) co_return std::unexpected(domains.error());
  const bool more = cut_to(*domains, page->limit);
  json::array list;
  for (const auto& domain : *domains) {
    const std::string owner = co_await owner_of(context, domain);
    list.push_back(present_domain(domain, owner));
  }
  json::object out{{"domains", std::move(list)}};
  if (more) out["next"] = domains->back().name;
  co_return out;
}

Task<Answer> add_domain(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  if (const auto known = only_fields(*body, {"name", "alias_of"}); !known) co_return std::unexpected(known.error());
  const auto name = text_field(*body, "name");
  if (!name) co_return std::unexpected(name.error());
  const auto domain = read_domain(name->value_or(""));
  if (!domain) co_return std::unexpected(domain.error());
  const auto of = text_field(*body, "alias_of");
  if (!of) co_return std::unexpected(of.error());
  std::string target = of->value_or("");
  if (to_lower(target) == *domain) co_return fail(Errc::invalid, *domain + " can't be an alias of itself");
  const auto added = co_await make_domain(context, *domain, std::move(target));
  if (!added && added.error().code == Errc::conflict) {
    co_return fail(Errc::conflict, *domain + " is a domain of this server already");
  }
  if (!added) co_return std::unexpected(added.error());
  const std::string owner;
  json::object out = present_domain(*added, owner);
  const std::string problem = co_await add_keys(context, *domain);
  out["signs"] = problem.empty();
  if (!problem.empty()) out["problem"] = problem;
  co_return out;
}

Task<Answer> show_domain(Context& context, Call call) {
  const auto name = read_domain(call.names[0]);
  if (!name) co_return std::unexpected(name.error());
  std::string asked = *name;
  const auto found = co_await context.store.directory().get_domain(std::move(asked));
  if (!found && found.error().code == Errc::not_found) co_return std::unexpected(no_domain(*name));
  if (!found) co_return std::unexpected(found.error());
  const store::Domain& domain = *found;
  const std::string owner = co_await owner_of(context, domain);
  co_return present_domain(domain, owner);
}

Task<Answer> change_domain(Context& context, Call call) {
  const auto domain = read_domain(call.names[0]);
  if (!domain) co_return std::unexpected(domain.error());
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  if (const auto known = only_fields(*body, {"owner"}); !known) co_return std::unexpected(known.error());
  const auto owner = text_field(*body, "owner");
  if (!owner) co_return std::unexpected(owner.error());
  std::string login = owner->value_or("");
  if (const auto ours = co_await need_domain(context, *domain); !ours) co_return std::unexpected(ours.error());
  const auto account = co_await need_account(context, std::move(login));
  if (!account) co_return std::unexpected(account.error());
  const auto set = co_await context.store.directory().set_domain_owner(*domain, account->id);
  if (!set) co_return std::unexpected(set.error());
  co_return json::object{{"name", *domain}, {"owner", account->login}};
}

Task<Answer> remove_domain(Context& context, Call call) {
  const auto domain = read_domain(call.names[0]);
  if (!domain) co_return std::unexpected(domain.error());
  const auto removed = co_await context.store.directory().remove_domain(*domain);
  if (removed) co_return json::object{{"removed", *domain}};
  if (removed.error().code == Errc::not_found) {
    co_return refuse(Errc::not_found, *domain + " is not a domain of this server", "paquebot domain list names them");
  }
  if (removed.error().code == Errc::conflict) {
    co_return refuse(Errc::conflict,
                     *domain + " still has accounts or aliases, or is what another domain is an alias of",
                     "remove them first (paquebot account list " + *domain + "; paquebot alias list " + *domain +
                         "; paquebot domain list)");
  }
  co_return std::unexpected(removed.error());
}

} // namespace paquebot::control
