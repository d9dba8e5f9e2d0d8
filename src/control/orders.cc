// The audit log: who did what, on whom, from where.
#include "control/orders.h"

#include "base/log.h"
#include "base/text.h"
#include "control/handlers.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kUsualEntries = 100;
constexpr std::size_t kMostEntries = 1000;

void log_order(const Order& order, Audit audit) {
  log::write(audit == Audit::bulk ? log::Level::debug : log::Level::info, "control",
             {{"who", order.who},
              {"from", order.from.empty() ? std::string("local") : order.from},
              {"action", order.action},
              {"method", order.method},
              {"target", order.target},
              {"subject", order.subject},
              {"outcome", order.outcome}});
}

void tell_order(const Context& context, const Order& order, Audit audit) {
  if (context.hooks.record && audit == Audit::yes)
    context.hooks.record(order);
  else
    log_order(order, audit);
}

void tell_not_kept(const Order& order, const Error& error) {
  log::warning("audit-not-kept", {{"action", order.action}, {"why", error.message}});
}

store::AuditEntry entry_of(const Asker& asker, const Order& order) {
  store::AuditEntry entry{
      .who = order.who, .login = asker.grants.login, .role = std::string(name_of(asker.grants.role))};
  entry.from = order.from;
  entry.action = order.action;
  entry.subject = order.subject;
  entry.outcome = order.outcome;
  return entry;
}

json::object present_entry(const store::AuditEntry& entry) {
  return {{"id", entry.id},         {"time", time_value(entry.at)}, {"who", entry.who},
          {"login", entry.login},   {"role", entry.role},           {"from", entry.from},
          {"action", entry.action}, {"on", entry.subject},          {"result", entry.outcome}};
}

} // namespace

Task<void> note_order(Context& context, Asker asker, Order order, Audit audit) {
  tell_order(context, order, audit);
  if (audit == Audit::bulk) co_return;
  store::AuditEntry entry = entry_of(asker, order);
  const auto kept = co_await context.store.audit().add(std::move(entry));
  if (!kept) tell_not_kept(order, kept.error());
}

OrderEntry::OrderEntry(Context& context, Asker asker, const Order& order)
    : whole_(context), asker_(std::move(asker)),
      pending_(std::make_shared<store::PendingEntry>(entry_of(asker_, order))), store_(context.store.bound(pending_)) {
  if (store_) bound_.emplace(*store_, context.directory, context.desk);
}

Task<void> OrderEntry::end(Order order) {
  tell_order(whole_, order, Audit::yes);
  const store::AuditEntry& first = pending_->entry();
  const std::int64_t id = pending_->kept();
  if (id != 0 && first.subject == order.subject && first.outcome == order.outcome) co_return;
  Result<> kept;
  if (id != 0) {
    kept = co_await whole_.store.audit().amend(id, order.subject, order.outcome);
  } else {
    store::AuditEntry entry = entry_of(asker_, order);
    kept = co_await whole_.store.audit().add(std::move(entry));
  }
  if (!kept) tell_not_kept(order, kept.error());
}

Task<Answer> list_audit(Context& context, Call call) {
  const auto limit = read_limit(call, kUsualEntries, kMostEntries);
  if (!limit) co_return std::unexpected(limit.error());
  store::AuditFilter filter{.login = call.ask("login"), .action = call.ask("action")};
  if (const std::string after = call.ask("after"); !after.empty()) {
    const auto number = parse_u64(after);
    if (!number || *number == 0 || *number > INT64_MAX)
      co_return refuse(Errc::invalid, "\"after\" must be what `next` said", {}, "after");
    filter.before = static_cast<std::int64_t>(*number);
  }
  const std::size_t most = *limit, one_more = most + 1;
  const auto entries = co_await context.store.audit().list(std::move(filter), one_more);
  if (!entries) co_return std::unexpected(entries.error());
  json::array list;
  for (std::size_t i = 0; i < entries->size() && i < most; ++i) list.push_back(present_entry((*entries)[i]));
  json::object out;
  if (entries->size() > most) out["next"] = std::to_string((*entries)[most - 1].id);
  out["entries"] = std::move(list);
  co_return out;
}

} // namespace paquebot::control
