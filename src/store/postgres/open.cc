#include "store/postgres/open.h"

#include "base/log.h"
#include "base/text.h"
#include "store/postgres/doubts.h"
#include "store/postgres/lane.h"
#include "store/postgres/pulse.h"
#include "store/postgres/schema.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/store.h"

#include <chrono>
#include <thread>
#include <unistd.h>

namespace paquebot::store::postgres {
namespace {

constexpr int kMailLane = 1, kBulkLane = 2;
constexpr std::chrono::seconds kTakenForDead{10};
constexpr std::chrono::milliseconds kLookEvery{250};

[[noreturn]] void end_without_store(const std::string& why) {
  log::error("store-lost", {{"error", why}, {"advice", "see whether another server works on this store"}});
  _exit(70); // EX_SOFTWARE: nothing may run on that could acknowledge mail
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? printable(name, 64) : "?";
}

std::int64_t beat_of(sqlite::Db& db, Id epoch) {
  return db.number("SELECT sum(beat) FROM writer WHERE epoch = ?", 0, epoch);
}

/// Waits until it is known whether the node of this epoch lives: it has beaten meanwhile.
bool lives(sqlite::Db& db, Id epoch) {
  const std::int64_t before = beat_of(db, epoch);
  const auto end = std::chrono::steady_clock::now() + kTakenForDead;
  while (std::chrono::steady_clock::now() < end) {
    if (db.number("SELECT ended FROM node WHERE id = 1", 0) != 0) return false;
    if (beat_of(db, epoch) != before) return true;
    std::this_thread::sleep_for(kLookEvery);
  }
  return false;
}

/// Takes the fence over from the last epoch, which waits for what that one commits just now; its work in hand waits
/// again.
Result<Id> take_epoch(sqlite::Db& db, Id last) {
  db.run("BEGIN");
  const Id now = db.number("SELECT epoch FROM node WHERE id = 1 FOR UPDATE", 0);
  if (now != last) {
    db.run("ROLLBACK");
    return fail(Errc::conflict, "another server has just begun to work on this store");
  }
  const Id epoch = last + 1;
  db.run("DELETE FROM writer");
  for (const int lane : {kMailLane, kBulkLane, kPulseLane})
    db.run("INSERT INTO writer(epoch, lane, seq) VALUES(?, ?, 0)", epoch, lane);
  db.run("UPDATE node SET epoch = ?, ended = 0, name = ? WHERE id = 1", epoch, host_name());
  sqlite::return_orphans(db, epoch);
  // What was being staged has nobody who goes on with it, and what was finished may have nobody who owns it.
  db.run("UPDATE bulk SET state = 3 WHERE epoch = ? AND state IN (1, 2) AND NOT EXISTS "
         "(SELECT 1 FROM body b WHERE b.bulk = bulk.id AND b.bulk <> 0)",
         last);
  db.run("DELETE FROM bulk_garbage WHERE bulk IN (SELECT bulk FROM body WHERE bulk <> 0)");
  db.run("COMMIT");
  return epoch;
}

Result<Id> begin_epoch(sqlite::Db& db) {
  const Id last = db.number("SELECT epoch FROM node WHERE id = 1", 0);
  const bool ended = db.number("SELECT ended FROM node WHERE id = 1", 0) != 0;
  if (!ended && lives(db, last)) {
    sqlite::Query q = db.query("SELECT name FROM node WHERE id = 1");
    return fail(Errc::conflict, "the server at " + (q.row() ? printable(q.view(0), 64) : "?") +
                                    " works on this store: so far one does at a time");
  }
  return take_epoch(db, last);
}

/// The store, and what says that it lives.
class PgStore final : public sqlite::SqlStore {
public:
  PgStore(sqlite::CoreParts parts, Pulse::Options pulse) : SqlStore(std::move(parts)), pulse_(std::move(pulse)) {}

private:
  Pulse pulse_;
};

Result<std::unique_ptr<Store>> open_target(const Target& target, StoreOptions options) {
  const auto first = std::make_shared<PgConnection>(target, PgConnection::Use::writing);
  if (auto ready = prepare_schema(first); !ready) return std::unexpected(ready.error());
  sqlite::Db db(first);
  for (const std::string& doubt : doubts_about(db)) log::warning("store-unsafe", {{"why", doubt}});
  const Result<Id> epoch = begin_epoch(db);
  if (!epoch) return std::unexpected(epoch.error());
  const auto writing = [target] { return std::make_shared<PgConnection>(target, PgConnection::Use::writing); };
  const auto on_fatal = options.on_fatal ? options.on_fatal : end_without_store;
  const auto lane = [writing, on_fatal, own = *epoch](int number, const char* thread) {
    PgLane::Options out;
    out.open = writing;
    out.on_fatal = on_fatal;
    out.thread = thread;
    out.seat = {own, number};
    out.bulk = number == kBulkLane;
    return out;
  };
  sqlite::CoreParts parts{
      .options = std::move(options),
      .epoch = *epoch,
      .main = db,
      .open_readers =
          [target] {
            const auto shared = std::make_shared<PgConnection>(target, PgConnection::Use::reading);
            return sqlite::ReadDbs{sqlite::Db(shared), sqlite::Db(shared)};
          },
      .main_lane = [lane](std::function<void(sqlite::Db&)> prepare) -> std::unique_ptr<sqlite::Lane> {
        PgLane::Options out = lane(kMailLane, "store");
        out.prepare = std::move(prepare);
        return std::make_unique<PgLane>(std::move(out));
      },
      .bulk_lane = [lane]() -> std::unique_ptr<sqlite::Lane> {
        return std::make_unique<PgLane>(lane(kBulkLane, "store-bulk"));
      },
  };
  return std::make_unique<PgStore>(std::move(parts), Pulse::Options{writing, on_fatal, *epoch});
}

} // namespace
} // namespace paquebot::store::postgres

namespace paquebot::store {

Result<std::vector<std::string>> doubt_database(const std::string& url) {
  const auto target = postgres::target_of(url);
  if (!target) return std::unexpected(target.error());
  try {
    const auto connection = std::make_shared<postgres::PgConnection>(*target, postgres::PgConnection::Use::reading);
    sqlite::Db db(connection);
    if (auto fit = postgres::check_settings(db); !fit) return std::unexpected(fit.error());
    return postgres::doubts_about(db);
  } catch (const sqlite::DbError& error) {
    return fail(Errc::io, error.message);
  }
}

Result<std::unique_ptr<Store>> open_postgres(const std::string& url, StoreOptions options) {
  const auto target = postgres::target_of(url);
  if (!target) return std::unexpected(target.error());
  try {
    return postgres::open_target(*target, std::move(options));
  } catch (const sqlite::DbError& error) {
    if (error.full()) return fail(Errc::no_space, "no room in the database to open the store");
    if (error.code == SQLITE_CANTOPEN) return fail(Errc::temporary, error.message);
    return fail(Errc::io, "cannot open the store: " + error.message);
  }
}

} // namespace paquebot::store
