#include "base/text.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_rows.h"
#include "store/takeover.h"

#include <algorithm>
#include <map>
#include <set>

namespace paquebot::store {
namespace {

constexpr std::size_t kWalk = 2000; // messages looked at in one short read

bool same_address(std::string_view a, std::string_view b) { return iequals(a, b); }

bool sent_by(const MessageFacts& m, std::string_view address) {
  return same_address(m.sender.reverse_path.local + "@" + m.sender.reverse_path.domain, address);
}

bool matches(const QueueFilter& filter, const MessageFacts& m, const RecipientFacts& r) {
  if (!is_unfinished(r.state)) return false;
  if (filter.takeover_only && (r.state != State::held || !r.reason.starts_with(kTakeoverHold))) return false;
  if (filter.held_only && r.state != State::held && !is_held_for_later(m, r)) return false;
  if (!filter.destination.empty() && r.destination != filter.destination) return false;
  return filter.address.empty() || same_address(r.address, filter.address) || sent_by(m, filter.address);
}

/// The message with those of its recipients that the filter means; none when there are none.
std::optional<WorkItem> matching(Db& db, const QueueFilter& filter, const Ulid& id) {
  auto message = load_message(db, id);
  if (!message || (filter.account != 0 && message->account != filter.account)) return {};
  WorkItem item{std::move(*message), load_recipients(db, id)};
  std::erase_if(item.recipients, [&](const RecipientFacts& r) { return !matches(filter, item.message, r); });
  if (item.recipients.empty()) return {};
  return item;
}

std::vector<Ulid> pending_after(Db& db, const std::optional<Ulid>& after) {
  Query q = after ? db.query("SELECT id FROM message WHERE pending > 0 AND id > ? ORDER BY id LIMIT ?", *after, kWalk)
                  : db.query("SELECT id FROM message WHERE pending > 0 ORDER BY id LIMIT ?", kWalk);
  std::vector<Ulid> ids;
  while (q.row()) ids.push_back(q.ulid(0));
  return ids;
}

struct Order {
  State from;
  State also_from;
  State to;
  EventKind kind;
};

/// What each action does to which states. Recipients in hand are never among them.
Order order_of(QueueAction action) {
  switch (action) {
    case QueueAction::retry: return {State::waiting, State::waiting, State::waiting, EventKind::released};
    case QueueAction::hold: return {State::waiting, State::waiting, State::held, EventKind::held};
    case QueueAction::release: return {State::held, State::held, State::waiting, EventKind::released};
    case QueueAction::cancel: break;
  }
  return {State::waiting, State::held, State::dropped, EventKind::dropped};
}

/// The order as it concerns one recipient, which the sender may have wanted held (RFC 4865 section 4.2 items 5 and 6: not released
/// before); nothing when it leaves that one alone.
std::optional<Order> order_for(QueueAction action, const QueueFilter& filter, const WorkItem& item,
                               const RecipientFacts& r, std::int64_t now) {
  Order order = order_of(action);
  const bool for_later = is_held_for_later(item.message, r) && r.due > now;
  if (!for_later || action == QueueAction::hold || action == QueueAction::cancel) return order;
  const bool named = filter.message || !filter.address.empty();
  if (action == QueueAction::retry || !named) return {};
  order.from = State::waiting;
  return order;
}

/// When it is due after the order: now, or at the time until which its sender wanted it held.
std::int64_t due_after(const Order& order, const WorkItem& item, const RecipientFacts& r, std::int64_t now) {
  if (order.to != State::waiting) return 0;
  const bool back_to_hold = r.state == State::held && r.attempts == 0;
  return back_to_hold ? std::max(now, item.message.sender.hold.until) : now;
}

/// Asks again for the state: the listing was another transaction.
bool apply(Tx& tx, const Order& order, const Ulid& message, std::uint32_t index, const std::string& reason,
           std::int64_t now, std::int64_t due) {
  tx.db.run(
      "UPDATE recipient SET state = ?1, due = iif(?2 <> 0, ?2, due), owed = iif(?1 = 8, 0, owed), changed_at = ?3, "
      "reason = ?4 WHERE message = ?5 AND n = ?6 AND state IN (?7, ?8)",
      order.to, due, now, reason, message, index, order.from, order.also_from);
  if (tx.db.changes() == 0) return false;
  if (order.to == State::dropped) change_pending(tx.db, message, -1);
  return true;
}

std::string reason_of(QueueAction action, const std::string& who) {
  switch (action) {
    case QueueAction::retry: return "retry ordered by " + who;
    case QueueAction::hold: return "held by " + who;
    case QueueAction::release: return "released by " + who;
    case QueueAction::cancel: break;
  }
  return "cancelled by " + who;
}

} // namespace

QueuePage list_queue(Db& db, const QueueFilter& filter, const std::optional<Ulid>& after, std::size_t most) {
  QueuePage page;
  if (filter.message) {
    auto item = matching(db, filter, *filter.message);
    if (item && (!after || *after < *filter.message)) page.items.push_back(std::move(*item));
    return page;
  }
  const std::vector<Ulid> ids = pending_after(db, after);
  for (const Ulid& id : ids) {
    if (auto item = matching(db, filter, id)) page.items.push_back(std::move(*item));
    page.next = id;
    if (page.items.size() == most) return page;
  }
  if (ids.size() < kWalk) page.next.reset();
  return page;
}

std::size_t operate(Tx& tx, QueueAction action, const QueueFilter& filter, const std::vector<WorkItem>& items,
                    const std::string& who, std::int64_t now) {
  const std::string reason = reason_of(action, who);
  std::set<std::string> destinations;
  std::size_t changed = 0;
  for (const WorkItem& item : items) {
    std::vector<std::uint32_t> indexes;
    for (const RecipientFacts& r : item.recipients) {
      const auto order = order_for(action, filter, item, r, now);
      if (!order || !apply(tx, *order, item.message.id, r.index, reason, now, due_after(*order, item, r, now)))
        continue;
      indexes.push_back(r.index);
      destinations.insert(r.destination);
    }
    changed += indexes.size();
    if (!indexes.empty())
      add_events(tx.db, item.message.id, {{now, order_of(action).kind, std::move(indexes), reason, 1}});
  }
  if (action == QueueAction::retry) {
    // The operator wants it tried now: the destination's back-off would stand in the way.
    for (const std::string& key : destinations)
      tx.db.run("UPDATE destination SET backoff_until = 0 WHERE key = ?", key);
  }
  return changed;
}

} // namespace paquebot::store
