#include "store/sqlite/checkpoint.h"
#include "store/sqlite/db.h"
#include "store/sqlite/frames.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/test_fault_vfs.h"
#include "store/test_contract.h"

#include <filesystem>

namespace paquebot::store::sqlite {
namespace {

/// A database whose log is written through the joining layer, with a table of some 40 pages in the file.
class SqliteFrames : public testing::Test {
protected:
  SqliteFrames() : db_(open_for_writing(path("a.db"))) {
    db_.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, data BLOB NOT NULL)");
    for (int id = 1; id <= 40; ++id) db_.run("INSERT INTO t VALUES(?, 0, zeroblob(12000))", id);
    checkpoint_fully(db_);
  }

  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  void change(const char* synchronous, int below) {
    db_.exec(synchronous);
    db_.exec("BEGIN IMMEDIATE");
    db_.run("UPDATE t SET n = n + 1 WHERE id <= ?", below);
    db_.exec("COMMIT");
  }
  static std::int64_t sum(Db& db) { return db.number("SELECT sum(n) FROM t", -1); }
  /// What is read from the files as they are now, by the log alone, as after a crash.
  std::int64_t recovered_sum() const {
    std::filesystem::copy_file(path("a.db"), path("b.db"), std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(path("a.db-wal"), path("b.db-wal"), std::filesystem::copy_options::overwrite_existing);
    Db db(path("b.db"), SQLITE_OPEN_READWRITE);
    return sum(db);
  }

  TemporaryDirectory directory_;
  FaultVfs faults_{"a.db-wal"};
  Db db_;
};

constexpr const char* kFull = "PRAGMA synchronous = FULL";
constexpr const char* kNormal = "PRAGMA synchronous = NORMAL";

TEST_F(SqliteFrames, TheFramesOfACommitAreWrittenTogether) {
  change(kFull, 1); // begins the log, of which SQLite then asks the size
  change(kFull, 1);
  for (const int pages : {1, 5, 20}) {
    constexpr int kMany = 1000000;
    faults_.fail_in = kMany;
    change(kFull, pages);
    const int octets = pages * (24 + 16384);
    const int syncs = 1;
    EXPECT_LE(kMany - faults_.fail_in, octets / (kJoinedWrite - 16384) + 1 + syncs) << pages;
  }
}

TEST_F(SqliteFrames, ACommitIsSeenByOthersAndFoundInTheLogAtOnce) {
  Db other = open_for_reading(path("a.db"));
  std::int64_t expected = 0;
  for (const char* synchronous : {kFull, kNormal}) {
    for (const int pages : {1, 2, 7, 8, 30}) {
      change(synchronous, pages);
      expected += pages;
      EXPECT_EQ(sum(other), expected) << synchronous << pages;
      EXPECT_EQ(recovered_sum(), expected) << synchronous << pages;
    }
  }
}

TEST_F(SqliteFrames, AFailedWriteFailsItsOwnCommit) {
  change(kFull, 1);
  for (const char* synchronous : {kFull, kNormal}) {
    const std::int64_t before = sum(db_);
    faults_.full = true;
    EXPECT_THROW(change(synchronous, 12), DbError);
    if (db_.in_transaction()) db_.exec("ROLLBACK");
    faults_.full = false;
    EXPECT_EQ(sum(db_), before);
    EXPECT_EQ(recovered_sum(), before);
    change(synchronous, 3);
    EXPECT_EQ(sum(db_), before + 3);
    EXPECT_EQ(recovered_sum(), before + 3);
  }
}

TEST_F(SqliteFrames, ATransactionThatOutgrowsItsCacheIsWhole) {
  // Pages are written before the commit, read back, and written again in place: SQLite then makes up their headers
  // anew.
  db_.exec("PRAGMA cache_size = 10");
  for (const char* synchronous : {kFull, kNormal}) {
    const std::int64_t before = sum(db_);
    db_.exec(synchronous);
    db_.exec("BEGIN IMMEDIATE");
    for (int round = 0; round < 3; ++round) db_.run("UPDATE t SET n = n + 1");
    db_.exec("ROLLBACK");
    EXPECT_EQ(sum(db_), before);
    db_.exec("BEGIN IMMEDIATE");
    for (int round = 0; round < 3; ++round) db_.run("UPDATE t SET n = n + 1");
    EXPECT_EQ(sum(db_), before + 120);
    db_.exec("COMMIT");
    EXPECT_EQ(recovered_sum(), before + 120) << synchronous;
  }
}

} // namespace
} // namespace paquebot::store::sqlite
