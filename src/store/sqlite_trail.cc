#include "store/sqlite_trail.h"

#include "store/event.h"
#include "store/sqlite_rows.h"

#include <algorithm>

namespace paquebot::store {
namespace {

constexpr std::int64_t kTrailWalk = 10000; // messages looked at in one short read

Ulid last_possible() {
  Ulid id;
  id.bytes.fill(0xFF);
  return id;
}

} // namespace

Result<Trace> trace(Db& db, const Ulid& id) {
  auto message = load_message(db, id);
  if (!message)
    return fail(Errc::not_found, "there is no message " + id.to_string() + " (trails are kept for a bounded time)");
  Trace trace;
  trace.message = std::move(*message);
  trace.recipients = load_recipients(db, id);
  for (const std::string& row : load_trail(db, id)) {
    auto events = unpack_events(row);
    if (!events)
      return fail(Errc::io, "the trail of " + id.to_string() + " is damaged: restore the store from a backup");
    std::ranges::move(*events, std::back_inserter(trace.events));
  }
  for (const Event& event : trace.events) {
    if (event.kind != EventKind::reported) continue;
    if (const auto report = Ulid::parse(event.detail)) trace.reports.push_back(*report);
  }
  return trace;
}

TrailPage find_messages(Db& db, const std::string& address, std::int64_t since, const std::optional<Ulid>& below) {
  const std::size_t at = address.rfind('@');
  const std::string local = address.substr(0, at);
  const std::string domain = at == std::string::npos ? std::string() : address.substr(at + 1);
  const Ulid top = below.value_or(last_possible());
  Ulid bottom = first_ulid_of(since);
  TrailPage page;
  {
    Query q = db.query("SELECT id FROM message WHERE id < ? AND id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?", top, bottom,
                       kTrailWalk - 1);
    if (q.row()) {
      bottom = q.ulid(0);
      page.next = bottom;
    }
  }
  Query q = db.query(
      "SELECT m.id FROM message m WHERE m.id < ?1 AND m.id >= ?2 AND "
      "((m.sender_domain = ?4 COLLATE NOCASE AND m.sender_local = ?3 COLLATE NOCASE) OR EXISTS "
      "(SELECT 1 FROM recipient r WHERE r.message = m.id AND r.address = ?5 COLLATE NOCASE)) ORDER BY m.id DESC",
      top, bottom, local, domain, address);
  while (q.row()) page.found.push_back(q.ulid(0));
  return page;
}

} // namespace paquebot::store
