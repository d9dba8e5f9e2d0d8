// What is due is taken in hand.
#include "base/log.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/waiting_count.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <utility>

namespace paquebot::store::sqlite {
namespace {

/// One that waits.
struct Key {
  Ulid message;
  std::uint32_t index;
  Id destination;
};

/// Those that are urgent: one look into the index for each priority, so that what is urgent and not due costs nothing.
/// The planner has to be told: left to itself it takes the width of the table's rows for a reason to go through all
/// that is due instead.
std::vector<Key> urgent_keys(Db& db, Id destination, std::int64_t now, std::size_t most) {
  std::vector<Key> keys;
  for (int priority = mail::kMaxPriority; priority > 0 && keys.size() < most; --priority) {
    Query q = db.query("SELECT message, n FROM recipient INDEXED BY recipient_urgent WHERE destination = ? AND "
                       "state = 2 AND priority > 0 AND unlikely(priority = ?) AND due <= ? "
                       "ORDER BY due, message, n LIMIT ?",
                       destination, priority, now, most - keys.size());
    while (q.row()) keys.push_back({q.ulid(0), q.u32(1), destination});
  }
  return keys;
}

std::vector<Key> due_keys(Db& db, Id destination, std::int64_t now, std::size_t most, bool expired) {
  Query q = expired ? db.query("SELECT message, n FROM recipient WHERE destination = ? AND state = 2 AND expires <= ? "
                               "ORDER BY expires, message, n LIMIT ?",
                               destination, now, most)
                    : db.query("SELECT message, n FROM recipient WHERE destination = ? AND state = 2 AND due <= ? "
                               "ORDER BY due, message, n LIMIT ?",
                               destination, now, most);
  std::vector<Key> keys;
  while (q.row()) keys.push_back({q.ulid(0), q.u32(1), destination});
  return keys;
}

constexpr std::size_t kLanes = 50;      // that one claim takes from
constexpr std::size_t kLanesSeen = 500; // that it looks at

/// Lanes of which something is due, from `first` on and then from the beginning: two looks into the index for each. Not
/// all that there are, if `many`.
std::vector<Id> due_lanes(Db& db, Id destination, std::int64_t now, Id first, bool& many) {
  std::vector<Id> lanes;
  std::size_t seen = 0;
  Id at = first - 1;
  for (bool again = first > 0;;) {
    const Id lane = db.number(
        "SELECT lane FROM recipient INDEXED BY recipient_lane WHERE state = 2 AND destination = ? AND lane > ? "
        "ORDER BY destination, lane LIMIT 1",
        -1, destination, at);
    if (lane < 0 || (!again && first > 0 && lane >= first)) {
      if (!std::exchange(again, false)) return lanes;
      at = -1;
      continue;
    }
    many = ++seen > kLanesSeen || lanes.size() >= kLanes;
    if (many) return lanes;
    at = lane;
    const bool due =
        db.number("SELECT 1 FROM recipient INDEXED BY recipient_lane WHERE state = 2 AND destination = ? AND lane = ? "
                  "AND due <= ? LIMIT 1",
                  0, destination, lane, now) != 0;
    if (due) lanes.push_back(lane);
  }
}

std::vector<Key> lane_keys(Db& db, Id destination, Id lane, std::int64_t now, std::size_t most) {
  Query q =
      db.query("SELECT message, n FROM recipient INDEXED BY recipient_lane WHERE destination = ? AND lane = ? AND "
               "state = 2 AND due <= ? ORDER BY due, message, n LIMIT ?",
               destination, lane, now, most);
  std::vector<Key> keys;
  while (q.row()) keys.push_back({q.ulid(0), q.u32(1), destination});
  return keys;
}

/// A recipient whose message can't be read would be claimed for ever: it is set aside, and verify() tells of it too.
void set_aside(Tx& tx, const Key& key) {
  const std::string reason = "held: its message is missing from the store, which is damaged";
  std::string address;
  if (const auto recipient = load_recipient(tx.db, key.message, key.index)) address = recipient->address;
  log::error("queue-damaged", {{"id", key.message.to_string()},
                               {"recipient", key.index},
                               {"to", address},
                               {"why", "its message is missing from the store: it is held"},
                               {"advice", "restore a backup, or let go of it: paquebot queue cancel"}});
  tx.db.run(
      "UPDATE recipient SET state = 1, owner = 0, changed_at = ?, reason = ?, hold_kind = ? WHERE message = ? AND "
      "n = ?",
      tx.now, reason, HoldKind::damaged, key.message, key.index);
}

/// Takes recipients in hand and adds them to `items`, by message.
void take_in_hand(Tx& tx, const std::vector<Key>& keys, std::vector<WorkItem>& items) {
  WaitingCount waiting;
  std::map<Ulid, std::size_t> places;
  for (std::size_t i = 0; i < items.size(); ++i) places.emplace(items[i].message.id, i);
  for (const Key& key : keys) {
    waiting.add(key.destination, -1); // or set aside
    const auto [place, fresh] = places.try_emplace(key.message, items.size());
    if (fresh) {
      auto message = load_message(tx.db, key.message);
      if (!message) {
        places.erase(place);
        set_aside(tx, key);
        continue;
      }
      items.push_back({std::move(*message), {}});
    }
    tx.db.run("UPDATE recipient SET state = 3, owner = ? WHERE message = ? AND n = ?", tx.epoch, key.message,
              key.index);
    if (auto r = load_recipient(tx.db, key.message, key.index))
      items[place->second].recipients.push_back(std::move(*r));
  }
  waiting.write(tx.db);
  std::erase_if(items, [](const WorkItem& item) { return item.recipients.empty(); }); // of a damaged index
}

/// The same of each lane; what some of them do not have goes to the others. Where there are more lanes than can be
/// looked at, the time says with which it begins.
void claim_due(Tx& tx, Id destination, std::int64_t now, std::size_t most, Claim& claim) {
  const Id last =
      tx.db.number("SELECT lane FROM recipient INDEXED BY recipient_lane WHERE state = 2 AND destination = ? "
                   "ORDER BY destination DESC, lane DESC LIMIT 1",
                   0, destination);
  claim.lanes = due_lanes(tx.db, destination, now, now % (last + 1), claim.many);
  if (claim.lanes.size() <= 1) { // as it nearly always is; or there are many that wait for their time
    take_in_hand(tx, due_keys(tx.db, destination, now, most, false), claim.items);
    return;
  }
  for (std::vector<Id> lanes = claim.lanes; !lanes.empty() && most > 0;) {
    const std::size_t each = std::max<std::size_t>(1, most / lanes.size());
    std::erase_if(lanes, [&](Id lane) {
      if (most == 0) return true;
      const std::vector<Key> keys = lane_keys(tx.db, destination, lane, now, std::min(each, most));
      most -= keys.size();
      take_in_hand(tx, keys, claim.items);
      return keys.size() < each;
    });
  }
}

} // namespace

Claim claim(Tx& tx, const std::string& destination, std::int64_t now, std::size_t most, bool expired) {
  Claim claim;
  Id id = 0;
  {
    Query q = tx.db.query("SELECT id, backoff_until, failures, last_error FROM destination WHERE key = ?", destination);
    if (!q.row()) return claim;
    id = q.i64(0);
    claim.backoff_until = q.i64(1);
    claim.failures = q.u32(2);
    claim.last_error = q.text(3);
  }
  std::vector<WorkItem>& items = claim.items;
  const std::vector<Key> urgent = expired ? std::vector<Key>() : urgent_keys(tx.db, id, now, most);
  take_in_hand(tx, urgent, items); // they wait no more, so the next question does not find them
  assert(urgent.size() <= most);
  if (urgent.size() < most && expired) take_in_hand(tx, due_keys(tx.db, id, now, most, true), items);
  if (urgent.size() < most && !expired) claim_due(tx, id, now, most - urgent.size(), claim);
  assert(items.size() <= most && "nobody gets more than he asked for");
  return claim;
}

std::vector<WorkItem> claim_overdue(Tx& tx, std::int64_t now, std::size_t most) {
  std::vector<Key> keys;
  {
    Query q =
        tx.db.query("SELECT message, n, destination FROM recipient WHERE state = 2 AND deadline > 0 AND deadline <= ? "
                    "ORDER BY deadline, message, n LIMIT ?",
                    now, most);
    while (q.row()) keys.push_back({q.ulid(0), q.u32(1), q.i64(2)});
  }
  std::vector<WorkItem> items;
  take_in_hand(tx, keys, items);
  return items;
}

} // namespace paquebot::store::sqlite
