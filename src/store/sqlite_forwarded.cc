#include "store/sqlite_forwarded.h"

#include "store/event.h"
#include "store/sqlite_rows.h"

#include <algorithm>

namespace paquebot::store {
namespace {

/// How often something was sent back about it.
std::uint64_t returned(Db& db, const Ulid& message) {
  std::uint64_t times = 0;
  for (const std::string& row : load_trail(db, message)) {
    const auto events = unpack_events(row);
    if (!events) continue;
    for (const Event& event : *events) times += event.kind == EventKind::returned ? event.times : 0;
  }
  return times;
}

/// What the sender wrote to, when that was one address.
std::string named(Db& db, const Ulid& message) {
  Query q = db.query("SELECT address FROM recipient WHERE message = ? AND parent < 0 LIMIT 2", message);
  std::string address = q.row() ? q.text(0) : std::string();
  return q.row() ? std::string() : address;
}

} // namespace

std::vector<Forwarded> forwarded_at(Db& db, std::int64_t time, std::size_t most) {
  std::vector<Forwarded> all;
  {
    Query q =
        db.query("SELECT m.id, m.sender_local, m.sender_domain, m.accepted_at, "
                 "(SELECT count(*) FROM recipient r WHERE r.message = m.id AND r.via <> '') AS onward "
                 "FROM message m WHERE m.id >= ? AND m.id < ? AND m.class = ? AND onward > 0 ORDER BY m.id LIMIT ?",
                 first_ulid_of(time), first_ulid_of(time + 1), MessageClass::incoming, most);
    while (q.row()) {
      Forwarded one;
      one.id = q.ulid(0);
      one.sender = {q.text(1), q.text(2)};
      one.accepted_at = q.i64(3);
      one.onward = q.u64(4);
      all.push_back(std::move(one));
    }
  }
  for (Forwarded& one : all) {
    one.named = named(db, one.id);
    one.returned = returned(db, one.id);
  }
  return all;
}

bool note_return(Tx& tx, const Ulid& message, const Ulid& report, std::uint64_t most) {
  if (!load_message(tx.db, message) || returned(tx.db, message) >= most) return false;
  add_events(tx.db, message, {{tx.now, EventKind::returned, {}, report.to_string(), 1}});
  return true;
}

} // namespace paquebot::store
