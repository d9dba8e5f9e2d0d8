// What operators have suspended: mail of an account, or to a domain.

#include "queue/suspensions.h"

#include "base/text.h"
#include "control/handlers.h"
#include "control/present.h"

namespace paquebot::control {
namespace {

using store::Suspension;

constexpr std::size_t kMostSuspendReason = 200;

Problem nothing_suspended(std::string_view whose) {
  return {Errc::not_found, "nothing is suspended for " + printable(whose, 256),
          "paquebot queue suspended names it all"};
}

/// Whose mail is meant: what has an "@" is an account, the rest a domain, which need not be ours.
Found<Suspension> read_whose(const std::string& whose) {
  Suspension one;
  if (whose.find('@') != whose.npos) {
    const auto login = read_address(whose, "the account");
    if (!login) return std::unexpected(login.error());
    one.name = login->local + "@" + login->domain;
    return one;
  }
  const auto domain = read_domain(whose);
  if (!domain)
    return refuse(Errc::invalid, "\"" + printable(whose, 100) + "\" is neither an account nor a domain",
                  "say ann@example.org for what ann sends, or far.example for what goes there", "whose");
  one.of = Suspension::Of::domain;
  one.name = *domain;
  return one;
}

json::object present_order(const Suspension& one, std::int64_t now) {
  const bool holds = one.holds(now);
  return {{"of", store::name_of(one.of)},       {"whose", printable(one.name, 1000)},
          {"since", time_value(one.since)},     {"until", time_value(one.until)},
          {"by", printable(one.who, 300)},      {"reason", printable(one.why, 300)},
          {"state", holds ? "holds" : "ending"}};
}

/// What it asks for of what waits already. The next round of the server goes on with what fails here.
Task<Result<std::size_t>> attend_orders(Context& context) {
  queue::Suspensions::Order order = [&context](store::QueueAction action, store::QueueFilter filter, std::string who) {
    return order_queue(context, action, std::move(filter), std::move(who));
  };
  const std::int64_t now = millis(system_clock().wall());
  return queue::Suspensions::attend(context.store.queue(), std::move(order), now);
}

} // namespace

Task<Answer> list_suspended(Context& context, Call) {
  const auto all = co_await context.store.queue().list_suspensions();
  if (!all) co_return std::unexpected(all.error());
  const std::int64_t now = millis(system_clock().wall());
  json::array list;
  for (const Suspension& one : *all)
    if (one.phase != Suspension::Phase::over) list.emplace_back(present_order(one, now));
  co_return json::object{{"suspensions", std::move(list)}};
}

Task<Answer> suspend_mail(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(Problem(body.error()));
  const json::value whole(*body);
  auto wanted = read_whose(get_text(whole, "whose"));
  if (!wanted) co_return std::unexpected(wanted.error());
  const std::string reason = get_text(whole, "reason");
  if (reason.size() > kMostSuspendReason)
    co_return refuse(Errc::invalid, "the reason is too long: 200 octets at most", {}, "reason");
  const auto until = read_time_to_come(get_text(whole, "until"));
  if (!until) co_return std::unexpected(until.error());
  Suspension one = std::move(*wanted);
  one.until = *until;
  one.who = printable(call.who, 300);
  one.why = printable(reason, 300);
  const bool account = one.of == Suspension::Of::account;
  const std::string name = one.name;
  const json::object shown = present_order(one, millis(system_clock().wall()));
  const auto ordered = co_await context.store.queue().suspend(std::move(one));
  if (!ordered && account && ordered.error().code == Errc::not_found) co_return std::unexpected(no_account(name));
  if (!ordered) co_return std::unexpected(Problem(ordered.error()));
  const auto held = co_await attend_orders(context);
  if (!held) co_return std::unexpected(Problem(held.error()));
  co_return json::object{{"whose", name}, {"until", *shown.if_contains("until")}, {"recipients", *held}};
}

Task<Answer> resume_mail(Context& context, Call call) {
  const auto wanted = read_whose(call.names[0]);
  if (!wanted) co_return std::unexpected(wanted.error());
  const Suspension::Of of = wanted->of;
  std::string name = wanted->name;
  const auto ended = co_await context.store.queue().end_suspension(of, std::move(name));
  if (!ended && ended.error().code == Errc::not_found) co_return std::unexpected(nothing_suspended(wanted->name));
  if (!ended) co_return std::unexpected(Problem(ended.error()));
  const auto released = co_await attend_orders(context);
  if (!released) co_return std::unexpected(Problem(released.error()));
  co_return json::object{{"whose", wanted->name}, {"recipients", *released}};
}

} // namespace paquebot::control
