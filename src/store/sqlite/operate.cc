#include "base/text.h"
#include "store/destination_key.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/slice.h"
#include "store/sqlite/suspension.h"
#include "store/sqlite/waiting_count.h"

#include <algorithm>
#include <map>
#include <set>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kWalk = 2000; // messages that are loaded in one short read
constexpr std::int64_t kMany = 20'000;

bool same_address(std::string_view a, std::string_view b) { return iequals(a, b); }

bool sent_by(const MessageFacts& m, std::string_view address) {
  return same_address(m.sender.reverse_path.local + "@" + m.sender.reverse_path.domain, address);
}

bool matches(const QueueFilter& filter, const MessageFacts& m, const RecipientFacts& r) {
  if (!is_unfinished(r.state)) return false;
  if (filter.takeover_only && r.hold != HoldKind::takeover) return false;
  if (!filter.only.empty() && std::ranges::find(filter.only, r.index) == filter.only.end()) return false;
  if (filter.holds != 0 && r.state == State::held && (filter.holds & bit_of(r.hold)) == 0) return false;
  if (filter.held_only && r.state != State::held && !is_held_for_later(m, r)) return false;
  if (!filter.domain.empty() && !iequals(store::domain_of(r.address), filter.domain)) return false;
  if (!filter.destination.empty() && r.destination != filter.destination) return false;
  return filter.address.empty() || same_address(r.address, filter.address) || sent_by(m, filter.address);
}

/// What is known of a message that a damaged store has lost: its recipients can still be seen and let go of.
MessageFacts lost_message(const Ulid& id) {
  MessageFacts message;
  message.id = id;
  return message;
}

/// The message with those of its recipients that the filter means; none when there are none.
std::optional<WorkItem> matching(Db& db, const QueueFilter& filter, const Ulid& id) {
  auto message = load_message(db, id);
  if (!message) message = lost_message(id);
  if (filter.account != 0 && message->account != filter.account) return {};
  WorkItem item{std::move(*message), load_recipients(db, id)};
  std::erase_if(item.recipients, [&](const RecipientFacts& r) { return !matches(filter, item.message, r); });
  if (item.recipients.empty()) return {};
  return item;
}

/// Messages that may match, by id, and where to go on when there may be more behind them.
struct Candidates {
  std::vector<Ulid> ids;
  std::optional<Ulid> next;
};

std::vector<Ulid> ids_of(Query q) {
  std::vector<Ulid> ids;
  while (q.row()) ids.push_back(q.ulid(0));
  return ids;
}

/// What a query of at most kWalk ids gave.
Candidates all_of(std::vector<Ulid> ids) {
  Candidates found{std::move(ids), {}};
  if (found.ids.size() == kWalk) found.next = found.ids.back();
  return found;
}

/// Held now or for later, from the two indexes that hold nothing else.
Candidates held(Db& db, const Ulid& after) {
  return all_of(ids_of(db.query(
      "SELECT id FROM (SELECT DISTINCT message AS id FROM recipient WHERE state = 1 AND message > ?1 ORDER BY message "
      "LIMIT ?2) h UNION SELECT id FROM (SELECT id FROM message WHERE hold_until > 0 AND pending > 0 AND id > ?1 ORDER "
      "BY id "
      "LIMIT ?2) l ORDER BY 1 LIMIT ?2",
      after, kWalk)));
}

/// Unfinished for one destination, by its indexes, which are ordered by the message.
Candidates bound_for(Db& db, const std::string& key, const Ulid& after) {
  const Id destination = db.number("SELECT id FROM destination WHERE key = ?", 0, key);
  if (destination == 0) return {};
  return all_of(ids_of(db.query(
      "SELECT message FROM (SELECT DISTINCT message FROM recipient INDEXED BY recipient_held WHERE destination = ?1 "
      "AND "
      "state = 1 AND message > ?2 ORDER BY message LIMIT ?3) h UNION "
      "SELECT message FROM (SELECT DISTINCT message FROM recipient INDEXED BY recipient_waiting WHERE destination = ?1 "
      "AND state = 2 AND message > ?2 ORDER BY message LIMIT ?3) w UNION "
      "SELECT message FROM (SELECT DISTINCT message FROM recipient INDEXED BY recipient_in_hand WHERE destination = ?1 "
      "AND state = 3 AND message > ?2 ORDER BY message LIMIT ?3) i ORDER BY 1 LIMIT ?3",
      destination, after, kWalk)));
}

/// A slice of a walk over all unfinished messages; what is loaded of each is little until it matches.
Candidates walk(Db& db, const QueueFilter& filter, const std::optional<Ulid>& after) {
  constexpr Ordered kUnfinished{"message m", {"m.id"}, "m.pending > 0"};
  const std::string columns =
      "(?11 = '0' OR m.account = CAST(?11 AS BIGINT)) AND (?12 = '' OR "
      "lower(m.sender_local || '@' || m.sender_domain) = lower(?12) OR EXISTS (SELECT 1 FROM recipient r WHERE "
      "r.message = m.id AND lower(r.address) = lower(?12))) AND (?13 = '' OR EXISTS (SELECT 1 FROM recipient r WHERE "
      "r.message = m.id AND r.destination = (SELECT d.id FROM destination d WHERE d.key = ?13)))";
  Slice slice(db, kUnfinished, columns, after ? key_text(*after) : std::string(),
              {std::to_string(filter.account), filter.address, filter.destination});
  Candidates found;
  std::optional<Ulid> last;
  while (found.ids.size() < kWalk && slice.row()) {
    last = slice.at().ulid(0);
    if (slice.at().flag(1)) found.ids.push_back(*last);
  }
  if (!slice.ended()) found.next = last;
  return found;
}

bool many_are_held(Db& db) {
  return db.number("SELECT (SELECT count(*) FROM (SELECT 1 FROM recipient WHERE state = 1 LIMIT ?1) h) + "
                   "(SELECT count(*) FROM (SELECT 1 FROM message WHERE hold_until > 0 AND pending > 0 LIMIT ?1) l)",
                   0, kMany) >= kMany;
}

/// From what holds least of what doesn't match.
Candidates candidates(Db& db, const QueueFilter& filter, const std::optional<Ulid>& after) {
  const Ulid from = after.value_or(Ulid());
  // What waits has no kind of hold.
  const bool only_held = filter.held_only || filter.takeover_only;
  if (!filter.destination.empty() && (!only_held || many_are_held(db))) return bound_for(db, filter.destination, from);
  return only_held ? held(db, from) : walk(db, filter, after);
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
    case QueueAction::rebind:
    case QueueAction::retry: return {State::waiting, State::waiting, State::waiting, EventKind::released};
    case QueueAction::hold:
    case QueueAction::set_aside:
    case QueueAction::suspend: return {State::waiting, State::waiting, State::held, EventKind::held};
    case QueueAction::resume:
    case QueueAction::release: return {State::held, State::held, State::waiting, EventKind::released};
    case QueueAction::cancel: break;
  }
  return {State::waiting, State::held, State::dropped, EventKind::dropped};
}

/// The order as it concerns one recipient, which the sender may have wanted held (RFC 4865 section 4.2 items 5 and 6:
/// not released before); nothing when it leaves that one alone.
std::optional<Order> order_for(QueueAction action, const QueueFilter& filter, const WorkItem& item,
                               const RecipientFacts& r, std::int64_t now) {
  Order order = order_of(action);
  const bool for_later = is_held_for_later(item.message, r) && r.due > now;
  if (!for_later || order.to != State::waiting) return order;
  const bool named = filter.message || !filter.address.empty();
  if (action == QueueAction::retry || action == QueueAction::rebind || !named) return {};
  order.from = State::waiting;
  return order;
}

/// When it is due after the order: now, or at the time until which its sender wanted it held.
std::int64_t due_after(const Order& order, const WorkItem& item, const RecipientFacts& r, std::int64_t now) {
  if (order.to != State::waiting) return 0;
  const bool back_to_hold = r.state == State::held && r.attempts == 0;
  return back_to_hold ? std::max(now, item.message.sender.hold.until) : now;
}

/// Asks again for the state, and why it is held: the listing was another transaction.
bool apply(Tx& tx, const Order& order, HoldKind hold, std::uint32_t holds, const Ulid& message, std::uint32_t index,
           const std::string& reason, std::int64_t now, std::int64_t due, WaitingCount& waiting) {
  Id destination = 0;
  bool waited = false;
  {
    Query q =
        tx.db.query("SELECT destination, state FROM recipient WHERE message = ?1 AND n = ?2 AND state IN (?3, ?4) "
                    "AND (?5 = 0 OR state <> 1 OR ((1 << hold_kind) & ?5) <> 0)",
                    message, index, order.from, order.also_from, holds);
    if (!q.row()) return false;
    destination = q.i64(0);
    waited = q.as<State>(1) == State::waiting;
  }
  tx.db.run("UPDATE recipient SET state = ?1, due = iif(?2 <> 0, ?2, due), owed = iif(?1 = 8, 0, owed), "
            "changed_at = ?3, reason = ?4, hold_kind = ?5 WHERE message = ?6 AND n = ?7",
            order.to, due, now, reason, hold, message, index);
  waiting.add(destination, (order.to == State::waiting ? 1 : 0) - (waited ? 1 : 0));
  if (order.to == State::dropped) change_pending(tx.db, message, -1);
  return true;
}

/// What waits for the destination waits for that of another source. False: it does already.
bool rebind(Tx& tx, const Ulid& message, const RecipientFacts& r, const std::string& source, WaitingCount& waiting) {
  const std::string to = bind_to(bound_of(r.destination).destination, source);
  if (to == r.destination) return false;
  const Id old =
      tx.db.number("SELECT destination FROM recipient WHERE message = ? AND n = ? AND state = 2", 0, message, r.index);
  if (old == 0) return false;
  const Id fresh = destination_id(tx, to);
  tx.db.run("UPDATE recipient SET destination = ? WHERE message = ? AND n = ?", fresh, message, r.index);
  waiting.add(old, -1);
  waiting.add(fresh, 1);
  return true;
}

/// Another order about it stands, of which is said then; or it is held for something else.
bool stays_suspended(Tx& tx, const WorkItem& item, const RecipientFacts& r) {
  if (r.hold != HoldKind::suspended) return true;
  const auto other = suspension_for(tx.db, item.message.account, r.address, tx.now);
  if (!other) return false;
  tx.db.run("UPDATE recipient SET reason = ? WHERE message = ? AND n = ? AND hold_kind = ?", words_of(*other),
            item.message.id, r.index, HoldKind::suspended);
  return true;
}

/// Recipients without a message can only be let go of, and leave no trail.
std::size_t drop_orphans(Tx& tx, const WorkItem& item, WaitingCount& waiting) {
  std::size_t dropped = 0;
  for (const RecipientFacts& r : item.recipients) {
    const Id destination = tx.db.number("SELECT destination FROM recipient WHERE message = ? AND n = ? AND state = 2",
                                        0, item.message.id, r.index);
    if (destination != 0) waiting.add(destination, -1);
    tx.db.run("DELETE FROM recipient WHERE message = ? AND n = ? AND state IN (1, 2)", item.message.id, r.index);
    dropped += static_cast<std::size_t>(tx.db.changes());
  }
  if (tx.db.number("SELECT count(*) FROM recipient WHERE message = ?", 0, item.message.id) == 0)
    tx.db.run("DELETE FROM event WHERE message = ?", item.message.id);
  return dropped;
}

std::string reason_of(QueueAction action, const std::string& who) {
  switch (action) {
    case QueueAction::rebind: return "moved to another source by " + who;
    case QueueAction::retry: return "retry ordered by " + who;
    case QueueAction::hold:
    case QueueAction::suspend: return "held by " + who;
    case QueueAction::release: return "released by " + who;
    case QueueAction::set_aside: return who;
    case QueueAction::resume: return "released: " + who;
    case QueueAction::cancel: break;
  }
  return "cancelled by " + who;
}

/// Of what it leaves held.
HoldKind hold_of(QueueAction action) {
  if (action == QueueAction::suspend) return HoldKind::takeover;
  if (action == QueueAction::set_aside) return HoldKind::suspended;
  return action == QueueAction::hold ? HoldKind::order : HoldKind::none;
}

} // namespace

QueuePage list_queue(Db& db, const QueueFilter& filter, const std::optional<Ulid>& after, std::size_t most) {
  QueuePage page;
  if (filter.message) {
    auto item = matching(db, filter, *filter.message);
    if (item && (!after || *after < *filter.message)) page.items.push_back(std::move(*item));
    return page;
  }
  const Candidates found = candidates(db, filter, after);
  page.next = found.next;
  for (const Ulid& id : found.ids) {
    auto item = matching(db, filter, id);
    if (!item) continue;
    page.items.push_back(std::move(*item));
    if (page.items.size() < most) continue;
    page.next = id;
    break;
  }
  return page;
}

std::uint64_t count_held(Db& db) {
  return static_cast<std::uint64_t>(db.number("SELECT count(*) FROM recipient WHERE state = 1", 0));
}

bool would_change(QueueAction action, const QueueFilter& filter, const WorkItem& item, const RecipientFacts& recipient,
                  std::int64_t now) {
  const auto order = order_for(action, filter, item, recipient, now);
  return order && (recipient.state == order->from || recipient.state == order->also_from);
}

std::size_t operate(Tx& tx, QueueAction action, const QueueFilter& filter, const std::vector<WorkItem>& items,
                    const std::string& who, std::int64_t now) {
  const std::string reason = reason_of(action, who);
  std::set<std::string> destinations;
  WaitingCount waiting;
  std::size_t changed = 0;
  for (const WorkItem& item : items) {
    std::vector<std::uint32_t> indexes;
    if (tx.db.number("SELECT 1 FROM message WHERE id = ?", 0, item.message.id) == 0) {
      if (action == QueueAction::cancel) changed += drop_orphans(tx, item, waiting);
      continue;
    }
    for (const RecipientFacts& r : item.recipients) {
      const auto order = order_for(action, filter, item, r, now);
      if (action == QueueAction::rebind && (!order || !rebind(tx, item.message.id, r, filter.source, waiting)))
        continue;
      if (!order || (action == QueueAction::resume && stays_suspended(tx, item, r)) ||
          !apply(tx, *order, hold_of(action), filter.holds, item.message.id, r.index, reason, now,
                 due_after(*order, item, r, now), waiting))
        continue;
      indexes.push_back(r.index);
      destinations.insert(r.destination);
    }
    changed += indexes.size();
    if (!indexes.empty())
      tell_events(tx, item.message.id, {{now, order_of(action).kind, std::move(indexes), reason, 1}});
  }
  waiting.write(tx.db);
  if (action == QueueAction::retry) {
    // The operator wants it tried now: the destination's back-off would stand in the way.
    for (const std::string& key : destinations)
      tx.db.run("UPDATE destination SET backoff_until = 0 WHERE key = ?", key);
  }
  return changed;
}

} // namespace paquebot::store::sqlite
