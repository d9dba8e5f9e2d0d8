// What takes long keeps nobody waiting: a reader in the log, a check beside a session, bodies that were given up.
#include "store/sqlite/open.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/test_fault_vfs.h"
#include "store/sqlite/writer.h"
#include "store/test_full_store.h"

#include <filesystem>
#include <future>

namespace paquebot::store::sqlite {
namespace {

class SqlitePatience : public testing::Test {
protected:
  std::string path(const std::string& name) const { return place_.path() + "/" + name; }
  std::unique_ptr<Store> open(unsigned readers = 2) const {
    SqliteOptions options;
    options.directory = place_.path();
    options.readers = readers;
    auto store = open_sqlite(options);
    if (!store) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }
  std::int64_t chunks() const { return open_for_reading(path("bulk.db")).number("SELECT count(*) FROM chunk", -1); }

  const TemporaryDirectory place_;
};

/// The log can't be begun anew behind a reader. It is asked for a moment only, and the seldomer the longer the log is:
/// what was waited is counted by the waits that SQLite asked the system for.
TEST_F(SqlitePatience, AReaderInTheLogKeepsCommitsWaitingAMomentOnly) {
  constexpr int kFrames = 8; // of the log
  constexpr int kCommits = 200;
  FaultVfs faults("none");
  const auto open_file = [this] { // in the layer that counts
    Db db(path("a.db"), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX);
    db.exec("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    sqlite3_busy_timeout(db.raw(), kBusyMs);
    return db;
  };
  {
    Db db = open_file();
    db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB NOT NULL); INSERT INTO t VALUES(0, zeroblob(10000))");
  }
  Db reader = open_for_reading(path("a.db"));
  reader.exec("BEGIN");
  EXPECT_EQ(reader.number("SELECT count(*) FROM t", 0), 1);
  Writer::Options options;
  options.open = open_file;
  options.name = "a.db";
  options.thread = "test";
  options.log_frames = kFrames;
  Writer writer(options.open(), options);
  const auto commit = [&writer](int id) {
    const auto job = writer.write<void>([id](Db& db) -> Result<> {
      db.run("INSERT INTO t VALUES(?, zeroblob(10000))", id);
      return {};
    });
    run(job.take());
  };
  const auto log_size = [this] { return std::filesystem::file_size(path("a.db-wal")); };
  int id = 0;
  while (id < kCommits) commit(++id);
  const std::int64_t insisted = static_cast<std::int64_t>(log_size()) / 16384 / kFrames; // the log's length in lengths
  EXPECT_GT(faults.waited_us, 0) << "it was never asked";
  EXPECT_LE(faults.waited_us, insisted * 20'000);
  reader.exec("COMMIT");
  for (const int end = id + 4 * kFrames; id < end;) commit(++id);
  const auto before = log_size();
  for (const int end = id + 4 * kFrames; id < end;) commit(++id);
  EXPECT_EQ(log_size(), before) << "once the reader is gone the log is begun anew";
}

/// Sessions have readers of their own.
TEST_F(SqlitePatience, ACheckKeepsNobodyFromLookingUpAnAccount) {
  FaultVfs faults("bulk.db");
  const auto store = open(1);
  FullStore(*store).fill();
  faults.no_reads = true; // the check of bulk.db waits from now on
  auto checks = std::async(std::launch::async, [&store] { return run(store->upkeep().verify()); });
  auto checks_too = std::async(std::launch::async, [&store] { return run(store->upkeep().verify()); });
  auto account =
      std::async(std::launch::async, [&store] { return run(store->directory().find_account("anna@example.org")); });
  const bool found = account.wait_for(std::chrono::minutes(1)) == std::future_status::ready;
  EXPECT_TRUE(found);
  faults.no_reads = false;
  faults.no_reads.notify_all();
  EXPECT_TRUE(account.get());
  EXPECT_EQ(checks.get().value(), std::vector<std::string>());
  EXPECT_EQ(checks_too.get().value(), std::vector<std::string>());
}

/// Deleting is upkeep's: whoever gives up a body waits for no other.
TEST_F(SqlitePatience, WhoGivesUpABodyDeletesNothing) {
  const auto store = open();
  for (int i = 0; i < 5; ++i) {
    const auto staged = run(store->acceptance().stage()).value();
    EXPECT_TRUE(run(staged->append(std::string(kBodyChunk, 'x'))));
  }
  EXPECT_TRUE(run(store->acceptance().stage())); // behind all of them
  EXPECT_EQ(chunks(), 5);
  while (run(store->upkeep().maintain(1000)).value()) {
  }
  EXPECT_EQ(chunks(), 0);
}

} // namespace
} // namespace paquebot::store::sqlite
