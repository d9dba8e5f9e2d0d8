#include "store/sqlite/rows.h"

#include "store/event.h"
#include "store/sqlite/content.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kCachedDestinations = 10000;

mail::EnhancedCode status_of(const std::string& text) {
  return mail::EnhancedCode::parse(text).value_or(mail::EnhancedCode{});
}

/// mail::Told from its columns, from number `first` on.
mail::Told told_of(const Query& q, int first) {
  mail::Told told;
  told.host = q.text(first);
  told.place = q.text(first + 1);
  told.peer = {q.as<std::uint16_t>(first + 2), status_of(q.text(first + 3)), q.text(first + 4)};
  told.peer.heard = told.peer.code != 0;
  told.own = {q.as<std::uint16_t>(first + 5), status_of(q.text(first + 6)), q.text(first + 7)};
  return told;
}

// What recipient_of() reads. A macro, since statements are literals (Db::query).
#define RECIPIENT_QUERY                                                                                                \
  "SELECT n, address, orcpt, notify, state, parent, (SELECT key FROM destination WHERE id = destination), due, "       \
  "attempts, owed, delay_reported, changed_at, reason, via, peer_host, peer_place, peer_code, peer_status, "           \
  "last_reply, own_code, own_status, own_text, account, hold_kind, bounce FROM recipient "

RecipientFacts recipient_of(const Query& q) {
  RecipientFacts r;
  r.index = q.u32(0);
  r.address = q.text(1);
  r.orcpt = q.text(2);
  r.notify = q.as<std::uint8_t>(3);
  r.state = q.as<State>(4);
  r.parent = q.as<std::int32_t>(5);
  r.destination = q.text(6);
  r.due = q.i64(7);
  r.attempts = q.u32(8);
  r.owed = q.as<Owed>(9);
  r.delay_reported = q.flag(10);
  r.changed_at = q.i64(11);
  r.reason = q.text(12);
  r.via = q.text(13);
  r.last_reply = told_of(q, 14);
  if (r.state == State::in_mailbox) r.account = q.i64(22);
  r.hold = q.as<HoldKind>(23);
  r.bounce = q.as<mail::BounceClass>(24);
  return r;
}

/// Counts the deferral in the last row when that holds nothing but the same deferral.
bool collapse(Db& db, const Ulid& message, std::int64_t row, std::string_view packed, const Event& again) {
  auto events = unpack_events(packed);
  if (!events || events->size() != 1) return false;
  Event& last = events->front();
  if (last.kind != EventKind::deferred || last.recipients != again.recipients) return false;
  last.at = again.at;
  last.detail = again.detail;
  last.bounce = again.bounce;
  ++last.times;
  const std::string data = pack_events(*events, db.node());
  db.run("UPDATE event SET data = ? WHERE message = ? AND n = ?", Blob{data}, message, row);
  return true;
}

} // namespace

std::optional<MessageFacts> load_message(Db& db, const Ulid& id) {
  Query q = db.query(
      "SELECT class, sender_local, sender_domain, body_type, smtputf8, ret, envid, content_8bit, account, peer, "
      "accepted_at, expires_at, head, head_size, body, bulk, body_size, requiretls, priority, deliver_by, by_mode, "
      "by_trace, hold_until, hold_request, by_api FROM message WHERE id = ?",
      id);
  if (!q.row()) return {};
  MessageFacts m;
  m.id = id;
  m.klass = q.as<MessageClass>(0);
  m.sender.reverse_path = {q.text(1), q.text(2)};
  m.sender.body = q.as<mail::BodyType>(3);
  m.sender.smtputf8 = q.flag(4);
  m.sender.ret = q.as<mail::Ret>(5);
  m.sender.envid = q.text(6);
  m.content_8bit = q.flag(7);
  m.account = q.i64(8);
  m.peer = q.text(9);
  m.accepted_at = q.i64(10);
  m.expires_at = q.i64(11);
  m.head = q.i64(12);
  m.head_size = q.u64(13);
  m.body = {q.i64(14), q.i64(15), q.u64(16)};
  m.sender.tls = q.as<mail::TlsWish>(17); // null, as in rows of the first schema, reads as 0
  m.sender.priority = q.as<int>(18);
  m.sender.deliver_by = {.mode = q.as<mail::DeliverBy::Mode>(20), .trace = q.flag(21), .at = q.i64(19)};
  m.sender.hold.until = q.i64(22);
  m.sender.hold.request = q.text(23);
  m.by_api = q.flag(24);
  if (m.sender.hold.until != 0) m.sender.hold.kind = mail::Hold::Kind::until;
  return m;
}

std::optional<RecipientFacts> load_recipient(Db& db, const Ulid& message, std::uint32_t index) {
  Query q = db.query(RECIPIENT_QUERY "WHERE message = ? AND n = ?", message, index);
  if (!q.row()) return {};
  return recipient_of(q);
}

std::vector<RecipientFacts> load_recipients(Db& db, const Ulid& message) {
  Query q = db.query(RECIPIENT_QUERY "WHERE message = ? ORDER BY n", message);
  std::vector<RecipientFacts> out;
  while (q.row()) out.push_back(recipient_of(q));
  return out;
}

std::string to_column(const mail::EnhancedCode& status) { return status ? status.to_string() : std::string(); }

void change_pending(Db& db, const Ulid& message, std::int64_t by) {
  if (by == 0) return;
  std::int64_t pending = by;
  Id head = 0;
  Id body = 0;
  {
    Query q = db.query("SELECT pending, head, body FROM message WHERE id = ?", message);
    if (!q.row()) return;
    pending += q.i64(0);
    head = q.i64(1);
    body = q.i64(2);
  }
  if (pending > 0 || head == 0) return db.run("UPDATE message SET pending = ? WHERE id = ?", pending, message);
  release_content(db, head, body);
  db.run("UPDATE message SET pending = ?, head = 0, body = 0, bulk = 0 WHERE id = ?", pending, message);
}

std::vector<std::string> load_trail(Db& db, const Ulid& message) {
  Query q = db.query("SELECT trail FROM message WHERE id = ?1 AND trail <> x'' UNION ALL "
                     "SELECT data FROM (SELECT data FROM event WHERE message = ?1 ORDER BY n) e",
                     message);
  std::vector<std::string> rows;
  while (q.row()) rows.push_back(q.text(0));
  return rows;
}

void add_events(Db& db, const Ulid& message, std::vector<Event> events) {
  if (events.empty()) return;
  std::int64_t row = -1;
  std::string packed;
  {
    Query q = db.query("SELECT n, data FROM event WHERE message = ? ORDER BY n DESC LIMIT 1", message);
    if (q.row()) {
      row = q.i64(0);
      packed = q.text(1);
    }
  }
  if (row < 0) { // 0 stands for what is in the message's own row
    if (db.number("SELECT 1 FROM message WHERE id = ?", 0, message) == 0) return; // the trail has been cleared away
    row = 0;
  }
  const bool deferral = row > 0 && events.size() == 1 && events.front().kind == EventKind::deferred;
  if (deferral && collapse(db, message, row, packed, events.front())) return;
  const std::string data = pack_events(events, db.node());
  db.run("INSERT INTO event(message, n, data) VALUES(?, ?, ?)", message, row + 1, Blob{data});
}

Ulid first_ulid_of(std::int64_t ms) {
  Ulid id;
  for (std::size_t i = 0; i < 6; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(std::max<std::int64_t>(ms, 0) >> (8 * (5 - i)));
  return id;
}

Id destination_id(Tx& tx, const std::string& key) {
  assert(!key.empty());
  const auto known = tx.memory.destinations.find(key);
  if (known != tx.memory.destinations.end()) return known->second;
  Id id = tx.db.number("SELECT id FROM destination WHERE key = ?", 0, key);
  if (id == 0) id = tx.db.number("INSERT INTO destination(key, changed_at) VALUES(?, ?) RETURNING id", 0, key, tx.now);
  if (tx.memory.destinations.size() >= kCachedDestinations) tx.memory.destinations.clear();
  tx.memory.destinations.emplace(key, id);
  return id;
}

} // namespace paquebot::store::sqlite
