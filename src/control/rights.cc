// Who may do more than what is his own.

#include "control/handlers.h"
#include "control/page.h"

#include <algorithm>

namespace paquebot::control {
namespace {

json::object present_right(const std::string& login, const std::string& domain) {
  json::object out{{"login", login}, {"role", name_of(domain.empty() ? Role::operator_ : Role::domain_admin)}};
  if (!domain.empty()) out["domain"] = domain;
  return out;
}

/// The domain that a right is over, which is one of ours; empty for the whole server.
Task<Found<std::string>> read_place(Context& context, std::string text) {
  if (text.empty()) co_return text;
  const auto domain = read_domain(text);
  if (!domain) co_return std::unexpected(domain.error());
  const auto ours = co_await need_domain(context, *domain);
  if (!ours) co_return std::unexpected(ours.error());
  co_return *domain;
}

} // namespace

Task<Answer> list_rights(Context& context, Call call) {
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  store::Within within = within_reach(call.asker);
  store::Grant after;
  const std::size_t blank = std::min(page->after.rfind(' '), page->after.size());
  after.login = page->after.substr(0, blank);
  if (blank < page->after.size()) after.domain = page->after.substr(blank + 1);
  const std::size_t most = page->limit + 1;
  auto grants = co_await context.store.rights().page_grants(std::move(within), std::move(after), most);
  if (!grants) co_return std::unexpected(grants.error());
  const bool more = cut_to(*grants, page->limit);
  json::array list;
  for (const store::Grant& one : *grants) list.push_back(present_right(one.login, one.domain));
  json::object out{{"rights", std::move(list)}};
  if (more) out["next"] = grants->back().login + " " + grants->back().domain;
  co_return out;
}

Task<Answer> add_right(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  const json::value request = *body;
  const bool whole = get_bool(request, "operator");
  if (whole == !get_text(request, "domain").empty())
    co_return refuse(Errc::invalid, "say which: a \"domain\", or \"operator\" of the whole server", {}, "domain");
  std::string text = get_text(request, "domain");
  const auto domain = co_await read_place(context, std::move(text));
  if (!domain) co_return std::unexpected(domain.error());
  std::string login = get_text(request, "login");
  const auto account = co_await need_account(context, std::move(login));
  if (!account) co_return std::unexpected(account.error());
  const auto given = co_await context.store.rights().grant(account->id, *domain);
  if (!given) co_return std::unexpected(given.error());
  co_return present_right(account->login, *domain);
}

Task<Answer> remove_right(Context& context, Call call) {
  std::string text = call.ask("domain");
  const auto domain = co_await read_place(context, std::move(text));
  if (!domain) co_return std::unexpected(domain.error());
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto taken = co_await context.store.rights().revoke(account->id, *domain);
  if (!taken && taken.error().code == Errc::not_found)
    co_return refuse(Errc::not_found,
                     account->login + (domain->empty() ? " is no operator" : " does not look after " + *domain),
                     "paquebot right list names who does");
  if (!taken) co_return std::unexpected(taken.error());
  json::object out{{"login", account->login}, {"removed", true}};
  if (!domain->empty()) out["domain"] = *domain;
  co_return out;
}

} // namespace paquebot::control
