#include "store/postgres/open.h"

#include "base/log.h"
#include "base/text.h"
#include "store/lock_file.h"
#include "store/postgres/doubts.h"
#include "store/postgres/lane.h"
#include "store/postgres/nodes.h"
#include "store/postgres/pulse.h"
#include "store/postgres/schema.h"
#include "store/sqlite/moved.h"
#include "store/sqlite/store.h"

#include <mutex>
#include <optional>
#include <unistd.h>

namespace paquebot::store::postgres {
namespace {

[[noreturn]] void end_without_store(const std::string& why) {
  log::error("store-lost", {{"error", why}, {"advice", "see whether another server works on this store"}});
  _exit(70); // EX_SOFTWARE: nothing may run on that could acknowledge mail
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? printable(name, 64) : "?";
}

/// Where this node's own things are.
struct OwnPlace {
  std::optional<LockFile> lock;
  NodeIdentity identity;
};

Result<OwnPlace> own_place(const StoreOptions& options) {
  OwnPlace place{.lock = {}, .identity = {.name = options.node, .key = {}, .version = options.version}};
  if (place.identity.name.empty()) place.identity.name = host_name();
  if (options.node_directory.empty()) return place;
  auto lock =
      LockFile::take(options.node_directory + "/node.lock", std::chrono::milliseconds(options.lock_patience_ms));
  if (!lock) return std::unexpected(lock.error());
  place.lock.emplace(std::move(*lock));
  auto key = key_of(options.node_directory);
  if (!key) return std::unexpected(key.error());
  place.identity.key = std::move(*key);
  return place;
}

/// What is told to others before there is somebody who carries it, and after, is not: nothing changes then.
struct Carrier {
  std::mutex mutex;
  Pulse* pulse = nullptr;
};

/// The store, and what says that it lives.
class PgStore final : public sqlite::SqlStore {
public:
  PgStore(sqlite::CoreParts parts, Pulse::Options pulse, std::shared_ptr<Carrier> carrier, std::optional<LockFile> lock)
      : SqlStore(std::move(parts)), lock_(std::move(lock)), carrier_(std::move(carrier)),
        pulse_(complete(std::move(pulse))) {
    const std::lock_guard guard(carrier_->mutex);
    carrier_->pulse = &pulse_;
  }
  ~PgStore() override {
    const std::lock_guard guard(carrier_->mutex);
    carrier_->pulse = nullptr;
  }

private:
  Pulse::Options complete(Pulse::Options pulse) {
    pulse.told = [this](const Change& change) { core().hear(change); };
    pulse.feed = &core().memory.feed;
    return pulse;
  }

  const std::optional<LockFile> lock_;
  const std::shared_ptr<Carrier> carrier_;
  Pulse pulse_; ///< last: it tells of what the others do
};

sqlite::Shared shared_by(std::shared_ptr<Carrier> carrier, Id epoch) {
  return {.tell_others =
              [carrier = std::move(carrier)](const Change& change) {
                const std::lock_guard guard(carrier->mutex);
                if (carrier->pulse != nullptr) carrier->pulse->tell(change);
              },
          .end_epoch = [epoch](sqlite::Tx& tx) { leave(tx.db, epoch); }};
}

/// Several that start at once make the tables once.
Result<> ready_schema(const Target& target) {
  for (int tries = 0;; ++tries) {
    try {
      return prepare_schema(std::make_shared<PgConnection>(target, PgConnection::Use::writing));
    } catch (const DbError& error) {
      if (tries == 3 || error.code == SQLITE_CANTOPEN || error.full()) throw;
    }
  }
}

Result<std::unique_ptr<Store>> open_target(const Target& target, StoreOptions options) {
  auto place = own_place(options);
  if (!place) return std::unexpected(place.error());
  if (auto ready = ready_schema(target); !ready) return std::unexpected(ready.error());
  sqlite::Db db(std::make_shared<PgConnection>(target, PgConnection::Use::writing));
  for (const std::string& doubt : doubts_about(db)) log::warning("store-unsafe", {{"why", doubt}});
  if (auto here = sqlite::check_moved(db); !here && !options.moved_too) return std::unexpected(here.error());
  const Result<Id> epoch = begin_epoch(db, place->identity);
  if (!epoch) return std::unexpected(epoch.error());
  const auto writing = [target, own = *epoch, node = place->identity.name] {
    return std::make_shared<PgConnection>(target, PgConnection::Use::writing, own, node);
  };
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
  const auto carrier = std::make_shared<Carrier>();
  sqlite::CoreParts parts{
      .options = std::move(options),
      .shared = shared_by(carrier, *epoch),
      .epoch = *epoch,
      .main = db,
      .open_readers =
          [target, own = *epoch] {
            const auto connection = std::make_shared<PgConnection>(target, PgConnection::Use::reading, own);
            return sqlite::ReadDbs{sqlite::Db(connection), sqlite::Db(connection)};
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
  Pulse::Options pulse{.open = writing, .on_fatal = on_fatal, .told = {}, .epoch = *epoch};
  return std::make_unique<PgStore>(std::move(parts), std::move(pulse), carrier, std::move(place->lock));
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
