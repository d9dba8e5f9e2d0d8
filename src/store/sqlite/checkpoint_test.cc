#include "store/sqlite/checkpoint.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/test_fault_vfs.h"
#include "store/test_contract.h"

#include <filesystem>
#include <fstream>

namespace paquebot::store::sqlite {
namespace {

class SqliteCheckpoint : public testing::Test {
protected:
  SqliteCheckpoint() : db_(open_for_writing(path("a.db"))) {
    db_.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, data BLOB NOT NULL)");
    for (int id = 1; id <= 20; ++id) db_.run("INSERT INTO t VALUES(?, 0, zeroblob(12000))", id);
    checkpoint_fully(db_);
  }

  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  static std::int64_t sum(Db& db) { return db.number("SELECT sum(n) FROM t", -1); }
  /// What the database's file holds by itself, without its log.
  std::int64_t moved_sum() const {
    std::filesystem::copy_file(path("a.db"), path("b.db"), std::filesystem::copy_options::overwrite_existing);
    for (const char* end : {"-wal", "-shm"}) std::filesystem::remove(path("b.db") + end);
    Db db(path("b.db"), SQLITE_OPEN_READWRITE);
    return sum(db);
  }
  std::string file() const {
    std::ifstream in(path("a.db"), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write_file(const std::string& octets) const {
    std::fstream out(path("a.db"), std::ios::binary | std::ios::in | std::ios::out);
    out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
  }
  /// Changes all rows and has a checkpoint move that, but not the log's end, where a reader is before it; then the disk
  /// turns out to have lost what the checkpoint wrote.
  void move_and_lose() {
    const std::string before = file();
    Db reader = open_for_reading(path("a.db"));
    db_.exec("UPDATE t SET n = n + 1");
    reader.exec("BEGIN");
    static_cast<void>(sum(reader));
    db_.exec("INSERT INTO t VALUES(21, 0, zeroblob(12000))");
    const std::int64_t expected = sum(reader);
    EXPECT_EQ(sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(moved_sum(), expected);
    write_file(before);
  }

  TemporaryDirectory directory_;
  Db db_;
};

TEST_F(SqliteCheckpoint, MovesEverythingAndEmptiesTheLog) {
  db_.exec("UPDATE t SET n = n + 1");
  EXPECT_EQ(moved_sum(), 0);
  checkpoint_fully(db_);
  EXPECT_EQ(moved_sum(), 20);
  EXPECT_EQ(std::filesystem::file_size(path("a.db-wal")), 0u);
  checkpoint_fully(db_);
  EXPECT_EQ(moved_sum(), 20);
}

TEST_F(SqliteCheckpoint, WhatWasMovedAndLostIsMovedAgain) {
  move_and_lose();
  checkpoint_fully(db_);
  EXPECT_EQ(moved_sum(), 20);
}

TEST_F(SqliteCheckpoint, TheLogIsWrittenAgainBeforeItIsMoved) {
  FaultVfs faults("c.db-wal");
  Db db = open_for_writing(path("c.db"));
  db.exec("CREATE TABLE t(n)");
  db.exec("INSERT INTO t VALUES(7)");
  const auto size = std::filesystem::file_size(path("c.db"));
  faults.full = true; // what is synced only is not written
  EXPECT_THROW(checkpoint_fully(db), DbError);
  EXPECT_EQ(std::filesystem::file_size(path("c.db")), size) << "nothing was moved";
  faults.full = false;
  checkpoint_fully(db);
  EXPECT_EQ(db.number("SELECT n FROM t", 0), 7);
  EXPECT_EQ(std::filesystem::file_size(path("c.db-wal")), 0u);
}

/// Why it does more than SQLite does.
TEST_F(SqliteCheckpoint, SqliteAloneWouldLeaveItLost) {
  move_and_lose();
  EXPECT_EQ(sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr), SQLITE_OK);
  EXPECT_NE(moved_sum(), 20);
}

TEST_F(SqliteCheckpoint, AReaderBehindTheEndIsToldOf) {
  sqlite3_busy_timeout(db_.raw(), 0);
  Db reader = open_for_reading(path("a.db"));
  reader.exec("BEGIN");
  EXPECT_EQ(sum(reader), 0);
  db_.exec("UPDATE t SET n = n + 1");
  EXPECT_THROW(checkpoint_fully(db_), DbError);
  EXPECT_EQ(sum(reader), 0);
  reader.exec("COMMIT");
  checkpoint_fully(db_);
  EXPECT_EQ(moved_sum(), 20);
}

} // namespace
} // namespace paquebot::store::sqlite
