// What is held of a message, and who may let it go.

#include "base/text.h"
#include "control/dispatch.h"
#include "control/handlers.h"

#include <algorithm>

namespace paquebot::control {
namespace {

using store::HoldKind;

std::string_view word_of_hold(HoldKind kind) {
  switch (kind) {
    case HoldKind::none:
    case HoldKind::other: return "other";
    case HoldKind::unowned: return "unowned";
    case HoldKind::quarantine: return "quarantine";
    case HoldKind::filter: return "filter";
    case HoldKind::order: return "order";
    case HoldKind::takeover: return "takeover";
    case HoldKind::restored: return "restored";
    case HoldKind::damaged: return "damaged";
    case HoldKind::suspended: return "suspended";
  }
  return "other";
}

bool is_held_now(const store::MessageFacts& message, const store::RecipientFacts& one) {
  return one.state == store::State::held || store::is_held_for_later(message, one);
}

/// The kinds of which somebody of this role may release what is his. What the owner of an account releases somebody
/// who has taken it over releases, too: so nothing that was held of what it sends, and no order of an operator's.
std::uint32_t kinds_for(Role role) {
  const std::uint32_t owners = store::bit_of(HoldKind::quarantine) | store::bit_of(HoldKind::filter);
  if (role >= Role::operator_) return 0; // any
  if (role == Role::domain_admin) return owners | store::bit_of(HoldKind::unowned) | store::bit_of(HoldKind::takeover);
  return owners;
}

/// Who asks, as far as it matters for what is held.
struct Releaser {
  const Asker& asker;
  bool suspected = false;      ///< his account looks taken over
  std::string account_of{};    ///< login of who submitted the message; empty: nobody of ours
  bool covers_account = false; ///< that one may not do more than he
};

Task<Result<bool>> is_suspected(Context& context, store::Id account) {
  if (account == 0) co_return false;
  const auto marked = co_await context.store.books().list_suspicions(false);
  if (!marked) co_return std::unexpected(marked.error());
  co_return std::ranges::find(*marked, account, &store::Suspicion::account) != marked->end();
}

Task<Found<Releaser>> releaser_for(Context& context, const Asker& asker, const store::MessageFacts& message) {
  Releaser who{.asker = asker};
  if (asker.grants.serves_all()) co_return who;
  const auto suspected = co_await is_suspected(context, asker.grants.account);
  if (!suspected) co_return std::unexpected(suspected.error());
  who.suspected = *suspected;
  if (message.account == 0) co_return who;
  const auto account = co_await context.store.directory().get_account(message.account);
  if (!account) co_return who; // it was removed
  who.account_of = account->login;
  store::Account sender = *account;
  const auto theirs = co_await grants_of(context, std::move(sender));
  if (!theirs) co_return std::unexpected(theirs.error());
  who.covers_account = asker.grants.covers(*theirs);
  co_return who;
}

/// A domain administrator's: what is to come to his domains, and what accounts there sent.
bool is_administrators(const Releaser& who, const store::RecipientFacts& one) {
  const auto at = one.address.rfind('@');
  const bool comes = at != std::string::npos && who.asker.grants.reaches_domain(one.address.substr(at + 1));
  const auto sent_at = who.account_of.rfind('@');
  const bool sent = sent_at != std::string::npos && who.covers_account &&
                    who.asker.grants.reaches_domain(who.account_of.substr(sent_at + 1));
  switch (one.hold) {
    case HoldKind::unowned: return comes;
    case HoldKind::quarantine:
    case HoldKind::filter: return comes || sent;
    case HoldKind::takeover: return sent;
    default: return false;
  }
}

Task<Found<bool>> may_release(Context& context, Releaser& who, const store::MessageFacts& message,
                              const store::RecipientFacts& one) {
  const Grants& grants = who.asker.grants;
  if (!is_held_now(message, one)) co_return false;
  if (grants.serves_all()) co_return true;
  const bool later = one.state != store::State::held;
  if (grants.role == Role::domain_admin && !later && is_administrators(who, one)) co_return true;
  if (who.suspected || grants.account == 0) co_return false;
  if (later) co_return message.account == grants.account;
  if (one.hold != HoldKind::quarantine && one.hold != HoldKind::filter) co_return false;
  std::string address = one.address;
  auto hers = co_await leads_only_to(context, std::move(address), grants.account);
  co_return hers;
}

/// Which recipients a request names; empty: all.
Found<std::vector<std::uint32_t>> read_indexes(const std::string& body) {
  const auto object = parse_object(body, "the request");
  if (!object) return std::unexpected(object.error());
  std::vector<std::uint32_t> indexes;
  const json::value request = *object;
  for (const json::value& one : get_list(request, "recipients")) {
    const auto number = one.is_number() ? one.to_number<std::int64_t>() : -1;
    if (number < 0 || number > UINT32_MAX)
      return refuse(Errc::invalid, "\"recipients\" are their indexes", {}, "recipients");
    indexes.push_back(static_cast<std::uint32_t>(number));
  }
  return indexes;
}

Task<Answer> act_on_held(Context& context, Call call, store::QueueAction action) {
  const auto id = read_id(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  const auto named = read_indexes(call.body);
  if (!named) co_return std::unexpected(named.error());
  store::QueueFilter filter;
  filter.message = *id;
  const std::optional<Ulid> from_start;
  const auto items = co_await context.store.queue().list(filter, from_start, 1);
  if (!items) co_return std::unexpected(items.error());
  const std::string shown = id->to_string();
  if (items->empty()) co_return refuse(Errc::not_found, "nothing of the message " + shown + " waits or is held");
  const store::WorkItem& item = items->front();
  auto who = co_await releaser_for(context, call.asker, item.message);
  if (!who) co_return std::unexpected(who.error());
  Releaser& releaser = *who;
  bool any = false;
  for (const store::RecipientFacts& one : item.recipients) {
    if (!named->empty() && std::ranges::find(*named, one.index) == named->end()) continue;
    any = any || is_held_now(item.message, one);
    const auto may = co_await may_release(context, releaser, item.message, one);
    if (!may) co_return std::unexpected(may.error());
    if (*may) filter.only.push_back(one.index);
  }
  if (!any) co_return refuse(Errc::not_found, "nothing of the message " + shown + " is held");
  if (filter.only.empty())
    co_return refuse(Errc::permission, "what is held of this message is not yours to decide on",
                     "ask whoever looks after your domain, or the server");
  filter.holds = kinds_for(call.asker.grants.role);
  const auto changed = co_await order_queue(context, action, std::move(filter), call.who);
  if (!changed) co_return std::unexpected(changed.error());
  co_return json::object{{"recipients", *changed}};
}

} // namespace

Task<Found<bool>> leads_only_to(Context& context, std::string address, store::Id account) {
  auto parsed = mail::parse_address(address);
  if (!parsed || account == 0) co_return false;
  mail::Address asked = std::move(*parsed);
  const auto found = co_await context.directory.resolve(std::move(asked));
  if (!found) co_return std::unexpected(found.error());
  bool hers = false;
  for (const directory::Node& node : found->nodes) {
    if (node.handling == store::Handling::expanded) continue; // where it leads follows
    if (node.handling != store::Handling::mailbox || node.account != account) co_return false;
    hers = true;
  }
  co_return hers;
}

Task<Found<>> mark_held(Context& context, const Asker& asker, const store::WorkItem& item, json::object& shown) {
  const bool any =
      std::ranges::any_of(item.recipients, [&](const auto& one) { return is_held_now(item.message, one); });
  auto& list = shown["recipients"].as_array();
  if (!any) co_return Found<>();
  auto who = co_await releaser_for(context, asker, item.message);
  if (!who) co_return std::unexpected(who.error());
  Releaser& releaser = *who;
  for (std::size_t i = 0; i < item.recipients.size() && i < list.size(); ++i) {
    const store::RecipientFacts& one = item.recipients[i];
    if (!is_held_now(item.message, one)) continue;
    json::object& row = list[i].as_object();
    row["hold"] = one.state == store::State::held ? word_of_hold(one.hold) : "later";
    const auto may = co_await may_release(context, releaser, item.message, one);
    if (!may) co_return std::unexpected(may.error());
    row["yours"] = *may;
    const bool came = one.state == store::State::held && one.account == 0 && !asker.grants.serves_all();
    if (!came) continue;
    std::string address = one.address; // which may be an alias of hers
    const auto hers = co_await leads_only_to(context, std::move(address), asker.grants.account);
    if (hers && *hers) row["mailbox"] = asker.grants.login;
  }
  co_return Found<>();
}

Task<Answer> release_held(Context& context, Call call) {
  return act_on_held(context, std::move(call), store::QueueAction::release);
}

Task<Answer> drop_held(Context& context, Call call) {
  return act_on_held(context, std::move(call), store::QueueAction::cancel);
}

} // namespace paquebot::control
