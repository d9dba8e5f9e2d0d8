#include "store/event.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/rules.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

// Times are milliseconds; 253402300799999 is the end of the year 9999.

constexpr Rule kMessageRules[] = {
    {"message.pending",
     "m.pending <> (SELECT count(*) FROM recipient r WHERE r.message = m.id AND (r.state <= 3 OR r.owed <> 0))",
     "message %: pending does not equal its unfinished or owing recipients"},
    {"message.content",
     "m.pending > 0 AND (NOT EXISTS (SELECT 1 FROM body b WHERE b.id = m.body) OR (m.head < 0 AND m.head <> -m.body) "
     "OR "
     "(m.head >= 0 AND NOT EXISTS (SELECT 1 FROM head h WHERE h.id = m.head)))",
     "message %: unfinished, but its content is gone", kIncomplete},
    {"message.let_go", "m.pending = 0 AND (m.head <> 0 OR m.body <> 0 OR m.bulk <> 0)",
     "message %: finished, but the queue still holds its content"},
    {"message.sizes",
     "EXISTS (SELECT 1 FROM body b WHERE b.id = m.body AND (b.size <> m.body_size OR b.bulk <> m.bulk OR "
     "CASE WHEN m.head < 0 THEN length(b.head) ELSE (SELECT length(h.bytes) FROM head h WHERE h.id = m.head) END <> "
     "m.head_size))",
     "message %: its sizes are not those of its content"},
    {"message.accepted", "m.trail = x'' AND NOT EXISTS (SELECT 1 FROM event e WHERE e.message = m.id AND e.n = 0)",
     "message %: its trail does not begin with its acceptance"},
    {"message.recipients", "(SELECT ifnull(max(r.n) + 1, -1) <> count(*) FROM recipient r WHERE r.message = m.id)",
     "message %: not all of its recipients are there"},
    {"message.account",
     "m.account < 0 OR m.account > (SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'account')",
     "message %: it was submitted by an account that never was", kGivenAgain},
    {"message.times",
     "m.accepted_at NOT BETWEEN 0 AND 253402300799999 OR m.expires_at < m.accepted_at OR "
     "m.expires_at > max(m.accepted_at, ifnull(m.hold_until, 0), (SELECT heartbeat FROM node WHERE id = 1)) + "
     "315360000000",
     "message %: its times cannot be", kStuck},
    {"message.values",
     "typeof(m.id) <> 'blob' OR length(m.id) <> 16 OR m.pending < 0 OR m.class NOT BETWEEN 1 AND 5 OR "
     "m.body_type NOT BETWEEN 0 AND 2 OR m.smtputf8 NOT BETWEEN 0 AND 1 OR m.ret NOT BETWEEN 0 AND 2 OR "
     "m.content_8bit NOT BETWEEN 0 AND 1 OR m.head_size NOT BETWEEN 0 AND 1048576 OR "
     "m.body_size NOT BETWEEN 0 AND 1099511627776 OR m.requiretls NOT BETWEEN 0 AND 2 OR "
     "m.priority NOT BETWEEN -9 AND 9 OR m.by_mode NOT BETWEEN 0 AND 2 OR m.by_trace NOT BETWEEN 0 AND 1 OR "
     "m.deliver_by NOT BETWEEN 0 AND 253402300799999 OR m.hold_until NOT BETWEEN 0 AND 253402300799999",
     "message %: a value is out of its range"},
};

/// It may have been deleted since: the trail says so.
bool was_not_removed(Check& check, const Query& row) {
  const auto index = row.u32(1);
  for (const std::string& packed : load_trail(check.main, row.ulid(0))) {
    const auto events = unpack_events(packed);
    if (!events) return false; // told by another rule
    for (const Event& event : *events) {
      if (event.kind != EventKind::removed) continue;
      // An entry names the first of the recipients that lead to its mailbox.
      for (const std::uint32_t removed : event.recipients) {
        const bool same =
            check.main.number("SELECT a.account = b.account FROM recipient a, recipient b WHERE a.message = "
                              "?1 AND a.n = ?2 AND b.message = ?1 AND b.n = ?3",
                              0, row.ulid(0), removed, index) != 0;
        if (same) return false;
      }
    }
  }
  return true;
}

/// An older file is shown as of today, without what the steps compute (view_as_today).
bool has_hold_kinds(Check& check, const Query&) { return check.main.number("PRAGMA user_version", 0) >= 11; }

constexpr Rule kRecipientRules[] = {
    {"recipient.message", "NOT EXISTS (SELECT 1 FROM message m WHERE m.id = r.message)",
     "message %: it is unknown, but has recipients", kLost},
    {"recipient.state", "r.state NOT BETWEEN 1 AND 8", "message %: a recipient is in no known state", kStuck},
    {"recipient.destination", "r.state <= 3 AND NOT EXISTS (SELECT 1 FROM destination d WHERE d.id = r.destination)",
     "message %: a recipient waits for a destination that does not exist", kStuck},
    {"recipient.owner",
     "r.state = 3 AND NOT EXISTS (SELECT 1 FROM node d WHERE d.id IN (1, r.owner) AND d.epoch = r.owner AND d.epoch > "
     "0 "
     "AND (d.ended = 0 OR d.id = 1))",
     "message %: a recipient is in hand of nobody", kStuck},
    {"recipient.idle", "r.state <> 3 AND r.owner <> 0", "message %: a recipient is in nobody's hand, but has an owner"},
    {"recipient.due",
     "r.state = 2 AND r.due NOT BETWEEN 0 AND max(r.expires, r.changed_at, unixepoch() * 1000) + 2678400000",
     "message %: a recipient is due at a time that cannot be", kStuck},
    {"recipient.expires",
     "r.state <= 3 AND r.expires NOT BETWEEN 0 AND (SELECT max(m.accepted_at, ifnull(m.hold_until, 0), "
     "(SELECT heartbeat FROM node WHERE id = 1)) FROM message m WHERE m.id = r.message) + 315360000000",
     "message %: a recipient expires at a time that cannot be", kStuck},
    {"recipient.life", "r.state <= 3 AND r.expires <> (SELECT m.expires_at FROM message m WHERE m.id = r.message)",
     "message %: a recipient does not expire with its message", kStuck},
    {"recipient.deadline",
     "r.deadline NOT BETWEEN 0 AND (SELECT max(m.accepted_at, ifnull(m.deliver_by, 0)) FROM message m "
     "WHERE m.id = r.message) + 315360000000",
     "message %: a recipient has a deadline that cannot be", kStuck},
    {"recipient.owed", "r.owed NOT BETWEEN 0 AND 3 OR (r.owed = 2 AND r.state > 3) OR (r.owed = 3 AND r.state <= 3)",
     "message %: a recipient owes a report that it can't owe"},
    {"recipient.parent",
     "r.parent >= 0 AND (r.parent = r.n OR NOT EXISTS (SELECT 1 FROM recipient p WHERE p.message = r.message AND p.n = "
     "r.parent))",
     "message %: a recipient came of one that does not exist"},
    {"recipient.address", "r.address = ''", "message %: a recipient has no address", kStuck},
    {"recipient.entry",
     "r.state = 4 AND r.uid > 0 AND EXISTS (SELECT 1 FROM mailbox b WHERE b.id = r.mailbox AND b.account = r.account) "
     "AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.mailbox = r.mailbox AND e.uid = r.uid AND e.message = r.message)",
     "message %: it was delivered to a mailbox, but is not there, and nobody deleted it", kIncomplete, was_not_removed},
    {"recipient.uid", "r.uid >= (SELECT b.uidnext FROM mailbox b WHERE b.id = r.mailbox)",
     "message %: its uid in a mailbox would be given again", kGivenAgain},
    {"recipient.mailbox",
     "(r.uid > 0) <> (r.mailbox > 0) OR "
     "r.mailbox NOT BETWEEN 0 AND (SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'mailbox')",
     "message %: it was delivered to a mailbox that never was"},
    {"recipient.hold", "(r.state = 1) <> (r.hold_kind <> 0) OR r.hold_kind NOT BETWEEN 0 AND 9",
     "message %: a recipient is held for no known reason, or has one and is not held", kMiscounted, has_hold_kinds},
    {"recipient.values",
     "r.n < 0 OR r.delay_reported NOT BETWEEN 0 AND 1 OR r.attempts NOT BETWEEN 0 AND 4294967295 OR "
     "r.changed_at NOT BETWEEN 0 AND 253402300799999 OR r.route NOT BETWEEN 0 AND 4 OR r.parent < -1 OR "
     "(r.peer_code <> 0 AND r.peer_code NOT BETWEEN 200 AND 599) OR (r.own_code <> 0 AND r.own_code NOT BETWEEN 200 "
     "AND "
     "599) OR r.notify NOT BETWEEN 0 AND 15 OR r.priority NOT BETWEEN -9 AND 9 OR r.lane < 0 OR r.uid NOT BETWEEN 0 "
     "AND 4294967295 "
     "OR "
     "r.account NOT BETWEEN 0 AND (SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'account')",
     "message %: a value of a recipient is out of its range"},
};

constexpr Rule kEventRules[] = {
    {"event.message", "NOT EXISTS (SELECT 1 FROM message m WHERE m.id = e.message)",
     "message %: it is unknown, but has events"},
    {"event.gap",
     "CASE e.n WHEN 0 THEN (SELECT m.trail <> x'' FROM message m WHERE m.id = e.message) "
     "WHEN 1 THEN (SELECT m.trail = x'' FROM message m WHERE m.id = e.message) AND NOT EXISTS "
     "(SELECT 1 FROM event f WHERE f.message = e.message AND f.n = 0) "
     "ELSE NOT EXISTS (SELECT 1 FROM event f WHERE f.message = e.message AND f.n = e.n - 1) END",
     "message %: its trail has a gap"},
};

bool counts_waiting(Check& check, const Query&) {
  return check.main.is_sqlite() && check.main.number("PRAGMA user_version", 0) >= 12;
}

constexpr Rule kDestinationRules[] = {
    {"destination.waiting",
     "d.waiting <> (SELECT count(*) FROM recipient r WHERE r.destination = d.id AND r.state = 2)",
     "destination %: what waits for it is miscounted", kMiscounted, counts_waiting},
    {"destination.key", "d.key = ''", "destination %: it has no name", kStuck},
    {"destination.backoff", "d.backoff_until NOT BETWEEN 0 AND d.changed_at + 2678400000",
     "destination %: nothing is tried there until a time that cannot be", kStuck},
    {"destination.values", "d.failures NOT BETWEEN 0 AND 4294967295 OR d.changed_at NOT BETWEEN 0 AND 253402300799999",
     "destination %: a value is out of its range"},
};

constexpr const char* kTrailRules[] = {"event.damaged", "event.recipient", "event.first", "event.missing"};

/// Whoever was tried, or has come to an end, is told of behind the acceptance.
void check_told(Check& check, const Ulid& message, std::vector<std::uint32_t> told, std::int64_t recipients) {
  std::ranges::sort(told);
  told.erase(std::ranges::unique(told).begin(), told.end());
  if (static_cast<std::int64_t>(told.size()) >= recipients) return;
  Query q = check.main.query("SELECT n FROM recipient WHERE message = ? AND (attempts > 0 OR state > 3)", message);
  while (q.row()) {
    if (std::ranges::binary_search(told, q.u32(0))) continue;
    check.tell(kTrailRules[3],
               "message " + message.to_string() + ": no event tells what became of a recipient, or of its attempts",
               kMiscounted);
    return;
  }
}

void check_trail(Check& check, const Ulid& message, std::string_view acceptance, std::int64_t recipients) {
  bool first = true;
  std::vector<std::uint32_t> told;
  for (const std::string& packed : load_trail(check.main, message)) {
    const auto events = unpack_events(packed);
    if (!events) {
      check.tell(kTrailRules[0], "message " + message.to_string() + ": an event cannot be read", kDamaged);
      return;
    }
    for (const Event& event : *events) {
      if (event.kind != EventKind::accepted) told.insert(told.end(), event.recipients.begin(), event.recipients.end());
      const bool strange = std::ranges::any_of(event.recipients, [recipients](auto n) { return n >= recipients; });
      if (strange)
        check.tell(kTrailRules[1],
                   "message " + message.to_string() + ": an event tells of a recipient that is not there", kMiscounted);
    }
    const bool accepted = !events->empty() && events->front().kind == EventKind::accepted;
    if (first && !acceptance.empty() && !accepted)
      check.tell(kTrailRules[2], "message " + message.to_string() + ": its first event is not its acceptance",
                 kMiscounted);
    first = false;
  }
  check_told(check, message, std::move(told), recipients);
}

std::optional<CheckPlace> check_trails(Check& check, const CheckPlace& from) {
  constexpr Ordered kMessages{"message m", {"m.id"}};
  Slice slice(check.main, kMessages, "m.trail, (SELECT count(*) FROM recipient r WHERE r.message = m.id)", from.after);
  while (!check.enough() && slice.row()) {
    check_trail(check, slice.at().ulid(0), slice.at().view(1), slice.at().i64(2));
    slice.add_cost(4096);
  }
  const std::string next = slice.next();
  if (next.empty()) return {};
  return CheckPlace{from.part, next, {}};
}

} // namespace

std::vector<Part> queue_parts() {
  return {
      Walk{false, {"message m", {"m.id"}}, "m.id", kMessageRules},
      Walk{false, {"recipient r", {"r.message", "r.n"}}, "r.message", kRecipientRules},
      Walk{false, {"event e", {"e.message", "e.n"}}, "e.message", kEventRules},
      Walk{false, {"destination d", {"d.id"}}, "d.key", kDestinationRules},
      Look{{std::begin(kTrailRules), std::end(kTrailRules)}, check_trails},
  };
}

} // namespace paquebot::store::sqlite
