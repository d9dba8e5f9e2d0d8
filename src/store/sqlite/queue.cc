#include "store/sqlite/queue.h"

#include "base/log.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/suppression.h"
#include "store/sqlite/suspension.h"
#include "store/sqlite/suspicion.h"
#include "store/sqlite/waiting_count.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace paquebot::store::sqlite {
namespace {

constexpr std::int64_t kGather = 60'000;         // how long a report waits for recipients in hand, milliseconds
constexpr std::int64_t kGatherAtOne = 3'600'000; // a notice of delay, for those in hand at a place that it tells of

/// Events of several recipients of one message that say the same become one.
class EventList {
public:
  void add(const Ulid& message, std::int64_t at, EventKind kind, std::uint32_t index, const std::string& detail,
           mail::BounceClass bounce = mail::BounceClass::none) {
    auto& events = by_message_[message];
    const auto same = [&](const Event& e) { return e.kind == kind && e.detail == detail && e.bounce == bounce; };
    const auto known = std::ranges::find_if(events, same);
    if (known == events.end()) {
      events.push_back({at, kind, {index}, detail, 1, bounce});
    } else {
      known->recipients.push_back(index);
    }
  }
  void write(Tx& tx) {
    for (auto& [message, events] : by_message_) {
      for (Event& event : events) std::ranges::sort(event.recipients);
      tell_events(tx, message, std::move(events));
    }
  }

private:
  std::map<Ulid, std::vector<Event>> by_message_;
};

EventKind event_of(State to) {
  switch (to) {
    case State::relayed: return EventKind::relayed;
    case State::failed: return EventKind::failed;
    case State::held: return EventKind::held;
    case State::dropped: return EventKind::dropped;
    case State::expanded: return EventKind::expanded;
    case State::in_mailbox: return EventKind::delivered;
    case State::waiting:
    case State::in_hand: break;
  }
  return EventKind::deferred;
}

/// Why what would wait again is held in its stead.
struct HeldBack {
  HoldKind kind = HoldKind::none;
  std::string reason;
};

/// Its account is marked by now, or an operator has suspended that, or the domain that it goes to.
std::optional<HeldBack> held_back(Tx& tx, const Outcome& o) {
  if (auto reason = hold_reason_of(tx.db, o.message)) return HeldBack{HoldKind::takeover, std::move(*reason)};
  if (!tx.memory.suspensions) return {};
  Id account = 0;
  std::string address;
  {
    Query q = tx.db.query("SELECT m.account, r.address FROM recipient r JOIN message m ON m.id = r.message WHERE "
                          "r.message = ? AND r.n = ?",
                          o.message, o.index);
    if (!q.row()) return {};
    account = q.i64(0);
    address = q.text(1);
  }
  const auto one = suspension_for(tx.db, account, address, tx.now);
  if (!one) return {};
  return HeldBack{HoldKind::suspended, words_of(*one)};
}

void hold_back(Tx& tx, const Outcome& o, Owed before, const HeldBack& held, EventList& events) {
  const mail::Told& told = o.reply;
  tx.db.run("UPDATE recipient SET state = 1, owner = 0, due = min(iif(? <> 0, ?, due), expires), attempts = attempts + "
            "?, owed = ?, "
            "changed_at = ?, reason = ?, hold_kind = ? WHERE message = ? AND n = ?",
            o.due, o.due, o.attempted, o.owed == Owed::none ? before : o.owed, tx.now, held.reason, held.kind,
            o.message, o.index);
  if (!told.empty())
    tx.db.run("UPDATE recipient SET peer_host = ?, peer_place = ?, peer_code = ?, peer_status = ?, last_reply = ?, "
              "own_code = ?, own_status = ?, own_text = ?, bounce = ? WHERE message = ? AND n = ?",
              told.host, told.place, told.peer.code, to_column(told.peer.enhanced), told.peer.text, told.own.code,
              to_column(told.own.enhanced), told.own.text, o.bounce, o.message, o.index);
  if (o.attempted) events.add(o.message, tx.now, EventKind::deferred, o.index, told.to_string(), o.bounce);
  events.add(o.message, tx.now, EventKind::held, o.index, held.reason);
}

/// What outcomes of one transaction add up to.
struct Recording {
  EventList events;
  WaitingCount waiting;
};

/// False when it does not count.
bool record_outcome(Tx& tx, const Outcome& o, Recording& all, bool suspects) {
  assert(o.to != State::in_hand && "an outcome ends a claim");
  Owed before = Owed::none;
  Id destination = 0;
  {
    Query q =
        tx.db.query("SELECT owed, destination FROM recipient WHERE message = ? AND n = ? AND state = 3 AND owner = ?",
                    o.message, o.index, tx.epoch);
    if (!q.row()) {
      // Not ours any more: an outcome counts only while this epoch holds the claim.
      log::warning("outcome-stale", {{"id", o.message.to_string()}, {"recipient", o.index}});
      return false;
    }
    before = q.as<Owed>(0);
    destination = q.i64(1);
  }
  if (suspects && o.to == State::waiting) {
    if (const auto held = held_back(tx, o)) {
      hold_back(tx, o, before, *held, all.events);
      return true;
    }
  }
  if (o.to == State::waiting) all.waiting.add(destination, 1);
  // A delay notice still owed is pointless once the recipient has come to an end.
  const Owed owed = o.owed == Owed::none && is_unfinished(o.to) ? before : o.owed;
  if (!o.attempted && !o.deadline_met && o.to == State::waiting && o.reply.empty()) {
    tx.db.run("UPDATE recipient SET state = 2, owner = 0, due = iif(? = 0, due, iif(expires < ?, ?, min(?, expires))) "
              "WHERE message = ? AND n = ?",
              o.due, tx.now, o.due, o.due, o.message, o.index);
    return true;
  }
  const mail::Told& told = o.reply;
  const std::string words = told.to_string();
  // An end of life that is over bounds nothing: by a clock that is doubted it would mean due at once, again and again.
  tx.db.run(
      "UPDATE recipient SET state = ?, owner = 0, due = iif(? = 0, due, iif(expires < ?, ?, min(?, expires))), "
      "attempts = attempts + ?, owed = ?, changed_at = ?, peer_host = ?, peer_place = ?, peer_code = ?, "
      "peer_status = ?, last_reply = ?, own_code = ?, "
      "own_status = ?, own_text = ?, reason = iif(? = 1, ?, reason), deadline = iif(? <> 0, 0, deadline), bounce = ? "
      "WHERE message = ? AND n = ?",
      o.to, o.due, tx.now, o.due, o.due, o.attempted, owed, tx.now, told.host, told.place, told.peer.code,
      to_column(told.peer.enhanced), told.peer.text, told.own.code, to_column(told.own.enhanced), told.own.text, o.to,
      words, o.deadline_met, o.bounce, o.message, o.index);
  assert(tx.db.changes() == 1 && "it was in hand a moment ago");
  if (o.to == State::held)
    tx.db.run("UPDATE recipient SET hold_kind = ? WHERE message = ? AND n = ?", HoldKind::other, o.message, o.index);
  if (!is_pending(o.to, owed)) change_pending(tx.db, o.message, -1);
  all.events.add(o.message, tx.now, event_of(o.to), o.index, words, o.bounce);
  return true;
}

void update_destination(Tx& tx, const DestinationUpdate& update) {
  const Id id = destination_id(tx, update.key);
  if (update.failed_until == 0) {
    tx.db.run("UPDATE destination SET backoff_until = 0, failures = 0, last_error = '', changed_at = ? WHERE id = ?",
              tx.now, id);
    return;
  }
  const bool was_well = tx.db.number("SELECT failures FROM destination WHERE id = ?", 0, id) == 0;
  if (was_well) feed_word(tx, "destination.failed", update.key, update.error);
  tx.db.run("UPDATE destination SET failures = failures + iif(backoff_until <= ?1, 1, 0), "
            "backoff_until = max(backoff_until, ?2), last_error = ?3, changed_at = ?1 WHERE id = ?4",
            tx.now, update.failed_until, update.error, id);
}

} // namespace

std::vector<DestinationFacts> list_destinations(Db& db, bool with_counts) {
  std::vector<DestinationFacts> out;
  Id at = 0;
  for (;;) {
    // One seek in the index for each destination with waiting recipients, however many wait.
    DestinationFacts d;
    {
      Query next = db.query("SELECT destination, due FROM recipient WHERE state = 2 AND destination > ? ORDER BY "
                            "destination, due LIMIT 1",
                            at);
      if (!next.row()) break;
      d.id = at = next.i64(0);
      d.earliest_due = next.i64(1);
    }
    Query facts = db.query("SELECT key, backoff_until, failures, last_error FROM destination WHERE id = ?", d.id);
    if (!facts.row()) continue;
    d.key = facts.text(0);
    d.backoff_until = facts.i64(1);
    d.failures = facts.u32(2);
    d.last_error = facts.text(3);
    if (with_counts) count_waiting(db, d);
    out.push_back(std::move(d));
  }
  std::ranges::sort(out, {}, [](const DestinationFacts& d) { return std::pair(d.earliest_due, d.id); });
  return out;
}

std::int64_t earliest_due(Db& db, const std::string& destination) {
  return db.number(
      "SELECT due FROM recipient WHERE state = 2 AND destination = (SELECT id FROM destination WHERE key = ?) "
      "ORDER BY due LIMIT 1",
      0, destination);
}

std::int64_t earliest_deadline(Db& db) {
  return db.number("SELECT deadline FROM recipient WHERE state = 2 AND deadline > 0 ORDER BY deadline LIMIT 1", 0);
}

std::size_t record(Tx& tx, const std::vector<Outcome>& outcomes, const std::optional<DestinationUpdate>& destination) {
  std::size_t counted = 0;
  Recording all;
  FailureCount failures;
  std::vector<const Outcome*> judged;
  const bool suspects = anybody_suspected(tx.db) || tx.memory.suspensions;
  for (const Outcome& outcome : outcomes) {
    const bool counts = record_outcome(tx, outcome, all, suspects);
    counted += counts;
    if (counts) judged.push_back(&outcome);
    if (counts && outcome.to == State::failed && outcome.attempted) failures.add(tx, outcome.message, outcome.index);
  }
  all.events.write(tx);
  all.waiting.write(tx.db);
  failures.write(tx);
  for (const Outcome* outcome : judged) judge_outcome(tx, *outcome);
  if (destination) update_destination(tx, *destination);
  assert(counted <= outcomes.size());
  return counted;
}

void return_orphans(Db& db, Id epoch) {
  WaitingCount waiting;
  {
    Query q = db.query(
        "SELECT destination, count(*) FROM recipient WHERE state = 3 AND owner <> ? GROUP BY destination", epoch);
    while (q.row()) waiting.add(q.i64(0), q.i64(1));
  }
  waiting.write(db);
  db.run("UPDATE recipient SET state = 2, owner = 0, due = min(due, expires) WHERE state = 3 AND owner <> ?", epoch);
}

/// Recipients that are in hand may owe something in a moment: one report is to tell of them all. A notice of delay,
/// which is in no hurry, waits also for those of the message that are soon tried, and longer for a place that is slow
/// with its jobs. Neither waits for ever.
bool may_owe_more(const std::vector<RecipientFacts>& recipients, std::int64_t now) {
  std::int64_t oldest = now;
  bool hurry = false;
  for (const RecipientFacts& r : recipients) {
    if (r.owed != Owed::none) oldest = std::min(oldest, r.changed_at);
    hurry = hurry || (r.owed != Owed::none && r.owed != Owed::delay);
  }
  if (oldest <= now - kGatherAtOne || (hurry && oldest <= now - kGather)) return false;
  if (oldest <= now - kGather) {
    std::set<std::string_view> told;
    for (const RecipientFacts& r : recipients)
      if (r.owed != Owed::none) told.insert(r.destination);
    return std::ranges::any_of(
        recipients, [&](const RecipientFacts& r) { return r.state == State::in_hand && told.contains(r.destination); });
  }
  return std::ranges::any_of(recipients, [&](const RecipientFacts& r) {
    const bool soon =
        r.state == State::waiting && r.owed == Owed::none && !r.delay_reported && r.due < oldest + kGather;
    return r.state == State::in_hand || (soon && !hurry);
  });
}

OwedPage owed_reports(Db& db, const std::optional<Ulid>& after, std::size_t most, std::int64_t now) {
  const std::size_t looked_at = most * 10;
  std::vector<Ulid> ids;
  {
    Query q =
        after ? db.query("SELECT DISTINCT message FROM recipient WHERE owed <> 0 AND message > ? ORDER BY message "
                         "LIMIT ?",
                         *after, looked_at)
              : db.query("SELECT DISTINCT message FROM recipient WHERE owed <> 0 ORDER BY message LIMIT ?", looked_at);
    while (q.row()) ids.push_back(q.ulid(0));
  }
  OwedPage page;
  for (const Ulid& id : ids) {
    page.next = id;
    auto message = load_message(db, id);
    if (!message) continue;
    std::vector<RecipientFacts> recipients = load_recipients(db, id);
    if (may_owe_more(recipients, now)) continue;
    std::erase_if(recipients, [](const RecipientFacts& r) { return r.owed == Owed::none; });
    page.reports.push_back({std::move(*message), std::move(recipients)});
    if (page.reports.size() == most) return page;
  }
  if (ids.size() < looked_at) page.next.reset();
  assert(page.reports.size() <= most);
  return page;
}

void waive_reports(Tx& tx, const Ulid& message, const std::vector<std::uint32_t>& recipients) {
  std::int64_t fewer = 0;
  for (const std::uint32_t index : recipients) {
    tx.db.run(
        "UPDATE recipient SET delay_reported = iif(owed = ?, 1, delay_reported), owed = 0 WHERE message = ? AND n = ? "
        "AND owed <> 0",
        Owed::delay, message, index);
    if (tx.db.changes() == 0) continue;
    const auto state =
        static_cast<State>(tx.db.number("SELECT state FROM recipient WHERE message = ? AND n = ?", 0, message, index));
    if (!is_unfinished(state)) --fewer;
  }
  change_pending(tx.db, message, fewer);
}

} // namespace paquebot::store::sqlite
