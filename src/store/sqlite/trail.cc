#include "store/event.h"
#include "store/message_key.h"
#include "store/sqlite/core.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/rows.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

/// One step of a walk back through the messages.
struct TrailPage {
  std::vector<Ulid> found;  ///< newest first
  std::optional<Ulid> next; ///< go on below this one; none: the walk is over
};

constexpr std::size_t kTrailWalk = 10000; // messages looked at in one short read

Ulid last_possible() {
  Ulid id;
  id.bytes.fill(0xFF);
  return id;
}

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

/// Looks at `walk` messages below `below` and not older than `since`. There is no index of addresses: it would cost
/// every acceptance two random pages, and a walk looks at about a million messages a second.
TrailPage find_messages(Db& db, const TrailFilter& filter, std::int64_t since, const std::optional<Ulid>& below,
                        std::size_t walk) {
  const std::string& address = filter.address;
  const std::int64_t key = message_key(filter.message_id);
  const std::size_t at = address.rfind('@');
  const std::string local = address.substr(0, at);
  const std::string domain = at == std::string::npos ? std::string() : address.substr(at + 1);
  const Ulid top = below.value_or(last_possible());
  Ulid bottom = first_ulid_of(since);
  TrailPage page;
  {
    Query q = db.query("SELECT id FROM message WHERE id < ? AND id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?", top, bottom,
                       walk - 1);
    if (q.row()) {
      bottom = q.ulid(0);
      page.next = bottom;
    }
  }
  Query q = db.query(
      "SELECT m.id FROM message m WHERE m.id < ?1 AND m.id >= ?2 AND (?6 = 0 OR m.message_key = ?6) AND "
      "((?6 <> 0 AND ?5 = '') OR (lower(m.sender_domain) = lower(?4) AND lower(m.sender_local) = lower(?3)) OR EXISTS "
      "(SELECT 1 FROM recipient r WHERE r.message = m.id AND lower(r.address) = lower(?5))) ORDER BY m.id DESC",
      top, bottom, local, domain, address, key);
  while (q.row()) page.found.push_back(q.ulid(0));
  return page;
}

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

/// What a query for these columns finds: id, sender_local, sender_domain, accepted_at, onward.
std::vector<Forwarded> read_forwarded(Db& db, Query q) {
  std::vector<Forwarded> all;
  while (q.row()) {
    Forwarded one;
    one.id = q.ulid(0);
    one.sender = {q.text(1), q.text(2)};
    one.accepted_at = q.i64(3);
    one.onward = q.u64(4);
    all.push_back(std::move(one));
  }
  for (Forwarded& one : all) {
    one.named = named(db, one.id);
    one.returned = returned(db, one.id);
  }
  return all;
}

std::vector<Forwarded> sent_at(Db& db, std::int64_t time, std::size_t most) {
  return read_forwarded(
      db,
      db.query("SELECT id, sender_local, sender_domain, accepted_at, onward FROM (SELECT m.id, m.sender_local, "
               "m.sender_domain, m.accepted_at, (SELECT count(*) FROM recipient r "
               "WHERE r.message = m.id AND r.destination <> 0) AS onward "
               "FROM message m WHERE m.id >= ? AND m.id < ? AND m.by_api = 1) f WHERE onward > 0 ORDER BY id LIMIT ?",
               first_ulid_of(time), first_ulid_of(time + 1), most));
}

std::vector<Forwarded> forwarded_at(Db& db, std::int64_t time, std::size_t most) {
  return read_forwarded(
      db,
      db.query("SELECT id, sender_local, sender_domain, accepted_at, onward FROM (SELECT m.id, m.sender_local, "
               "m.sender_domain, m.accepted_at, "
               "(SELECT count(*) FROM recipient r WHERE r.message = m.id AND r.via <> '') AS onward "
               "FROM message m WHERE m.id >= ? AND m.id < ? AND m.class = ?) f WHERE onward > 0 ORDER BY id LIMIT ?",
               first_ulid_of(time), first_ulid_of(time + 1), MessageClass::incoming, most));
}

bool note_return(Tx& tx, const Ulid& message, const Ulid& report, std::uint64_t most) {
  if (!load_message(tx.db, message) || returned(tx.db, message) >= most) return false;
  tell_events(tx, message, {{tx.now, EventKind::returned, {}, report.to_string(), 1}});
  return true;
}

class SqliteTrail final : public Trail {
public:
  explicit SqliteTrail(Core& core) : core_(core) {}

  Task<Result<Trace>> trace(Ulid message) override {
    return core_.read([message](Db& db) { return sqlite::trace(db, message); });
  }
  Task<Result<FoundMessages>> find_messages(TrailFilter filter, std::int64_t since, std::optional<Ulid> below,
                                            std::size_t most) override;
  Task<Result<std::vector<Forwarded>>> forwarded_at(std::int64_t time, std::size_t most) override {
    return core_.read([time, most](Db& db) { return sqlite::forwarded_at(db, time, most); });
  }
  Task<Result<std::vector<Forwarded>>> sent_at(std::int64_t time, std::size_t most) override {
    return core_.read([time, most](Db& db) { return sqlite::sent_at(db, time, most); });
  }
  Task<Result<bool>> note_return(Ulid message, Ulid report, std::uint64_t most) override {
    return core_.write([message, report, most](Tx& tx) { return sqlite::note_return(tx, message, report, most); });
  }

private:
  Core& core_;
};

Task<Result<FoundMessages>> SqliteTrail::find_messages(TrailFilter filter, std::int64_t since,
                                                       std::optional<Ulid> below, std::size_t most) {
  FoundMessages all{.ids = {}, .next = below};
  for (std::size_t looked = 0; looked < filter.look_at && all.ids.size() < most; looked += kTrailWalk) {
    const std::size_t walk = std::min(kTrailWalk, filter.look_at - looked);
    auto job = core_.read_long([filter, since, below = all.next, walk](Db& db) {
      return sqlite::find_messages(db, filter, since, below, walk);
    });
    Result<TrailPage> page = co_await std::move(job);
    if (!page) co_return std::unexpected(page.error());
    std::ranges::copy(page->found, std::back_inserter(all.ids));
    all.next = page->next;
    if (!all.next) break;
  }
  if (all.ids.size() <= most) co_return all;
  all.ids.resize(most);
  all.next = all.ids.back();
  co_return all;
}

} // namespace

std::unique_ptr<Trail> make_trail(Core& core) { return std::make_unique<SqliteTrail>(core); }

} // namespace paquebot::store::sqlite
