// What a restored store makes of ids that its past has given: none may come back for other mail.
#include "store/sqlite/test_backup.h"

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kLarge = 420'000;

class SqliteRestore : public SqliteBackup {
protected:
  /// Two large messages; the newer is given up by everybody, and no upkeep has come by since.
  void give_the_newest_up() {
    make_account();
    accept('a', kLarge);
    const Ulid newest = accept('b', kLarge);
    EXPECT_EQ(run(store_->queue().operate(QueueAction::cancel, {.message = newest}, "test", 1)).value(), 1u);
    const MailboxInfo inbox = run(store_->mailboxes().open(account_.id, "INBOX")).value();
    EXPECT_EQ(run(store_->mailboxes().expunge(inbox.id, {2}, "anna")).value(), 1u);
  }
  /// The letter that the newest message in the mailbox is made of, as long as it should be; or what is wrong with it.
  std::string last_body() {
    const MailboxInfo inbox = run(store_->mailboxes().open(account_.id, "INBOX")).value();
    const std::vector<EntryInfo> entries = run(store_->mailboxes().list_entries(inbox.id, 0, 10)).value();
    const auto content = run(store_->mailboxes().read_entry(inbox.id, entries.back().uid));
    if (!content) return content.error().message;
    const auto body = run(store_->content().read_body(content->body, 0, 1 << 20));
    if (!body) return body.error().message;
    return *body == std::string(kLarge, body->front()) ? body->substr(0, 1) : "another body";
  }
  void expect_sound() { EXPECT_EQ(run(store_->upkeep().verify()).value(), std::vector<std::string>()); }
  std::int64_t number(const std::string& file, const char* sql) {
    Db db(path(file), SQLITE_OPEN_READWRITE);
    return db.number(sql, -1);
  }
  void change(const std::string& file, const char* sql) { Db(path(file), SQLITE_OPEN_READWRITE).exec(sql); }
};

TEST_F(SqliteRestore, WhatComesAfterwardsIsNobodysGarbage) {
  give_the_newest_up();
  make_backup("one.backup");
  const auto restored = restore("one.backup", "again");
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(number("again/paquebot.db", "SELECT count(*) FROM bulk_garbage"), 0);
  EXPECT_EQ(number("again/bulk.db", "SELECT seq FROM sqlite_sequence WHERE name = 'bulk'"), 2);
  store_ = open(path("again")).value();
  expect_sound();
  accept('c', kLarge);
  keep_up(*store_);
  EXPECT_EQ(last_body(), "c");
  expect_sound();
}

/// What a program made that did not know of this: its garbage stands above the ids that bulk.db is about to give.
TEST_F(SqliteRestore, AStoreRestoredBeforeIsPutRightAtTheStart) {
  give_the_newest_up();
  store_.reset();
  change("data/bulk.db",
         "DELETE FROM bulk WHERE id = 2; DELETE FROM chunk WHERE bulk = 2; UPDATE sqlite_sequence SET seq = 1");
  EXPECT_EQ(number("data/paquebot.db", "SELECT max(bulk) FROM bulk_garbage"), 2);
  store_ = open(path("data")).value();
  accept('c', kLarge);
  keep_up(*store_);
  EXPECT_EQ(last_body(), "c");
  EXPECT_EQ(number("data/paquebot.db", "SELECT count(*) FROM bulk_garbage"), 0);
  expect_sound();
}

TEST_F(SqliteRestore, AnOlderBulkFileGivesNoIdAgain) {
  make_account();
  accept('a', kLarge);
  store_.reset();
  change("data/bulk.db", "PRAGMA wal_checkpoint(TRUNCATE)"); // and the last to close it takes the log away
  std::filesystem::copy_file(path("data/bulk.db"), path("kept"));
  store_ = open(path("data")).value();
  accept('b', kLarge);
  store_.reset();
  change("data/bulk.db", "PRAGMA wal_checkpoint(TRUNCATE)");
  std::filesystem::rename(path("kept"), path("data/bulk.db"));
  auto opened = open(path("data"));
  ASSERT_TRUE(opened) << opened.error().message;
  store_ = std::move(*opened);
  accept('c', kLarge);
  EXPECT_EQ(last_body(), "c") << "the id of the lost one is not given again";
  EXPECT_EQ(run(store_->upkeep().verify()).value().size(), 1u);
}

TEST_F(SqliteRestore, WhatSomebodyOwnsIsNotDeletedAsGarbage) {
  make_account();
  accept('a', kLarge);
  change("data/paquebot.db", "INSERT INTO bulk_garbage SELECT bulk FROM body WHERE bulk <> 0");
  keep_up(*store_);
  EXPECT_EQ(last_body(), "a");
  EXPECT_EQ(number("data/paquebot.db", "SELECT count(*) FROM bulk_garbage"), 0);
  store_.reset();
  change("data/paquebot.db", "INSERT INTO bulk_garbage SELECT bulk FROM body WHERE bulk <> 0");
  store_ = open(path("data")).value();
  keep_up(*store_);
  EXPECT_EQ(last_body(), "a");
  expect_sound();
}

TEST_F(SqliteRestore, AnUnfinishedBodyWithAnOwnerIsNotSwept) {
  make_account();
  accept('a', kLarge);
  store_.reset();
  change("data/bulk.db", "UPDATE bulk SET state = 1");
  store_ = open(path("data")).value();
  keep_up(*store_);
  EXPECT_EQ(last_body(), "a");
}

TEST_F(SqliteRestore, WhatIsBeingStagedIsNotDeletedAsGarbage) {
  make_account();
  const auto staged = run(store_->acceptance().stage()).value();
  ASSERT_TRUE(run(staged->append(std::string(kBodyChunk, 'a'))));
  change("data/paquebot.db", "INSERT INTO bulk_garbage VALUES(1)");
  ASSERT_EQ(staged->content().bulk, 1);
  keep_up(*store_);
  ASSERT_TRUE(run(staged->append(std::string(kLarge - kBodyChunk, 'a'))));
  ASSERT_TRUE(run(staged->finish()));
  change("data/paquebot.db", "INSERT INTO bulk_garbage VALUES(1)");
  EXPECT_EQ(accept_staged(staged, kLarge), AcceptStatus::failed) << "it is on the list: nobody may own it";
  keep_up(*store_);
  EXPECT_EQ(accept_staged(staged, kLarge), AcceptStatus::accepted);
  keep_up(*store_);
  EXPECT_EQ(last_body(), "a");
  expect_sound();
}

/// Whoever owns the directory can exchange what is in it while root writes there.
TEST_F(SqliteRestore, RootWritesAsTheOwnerOfTheDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has somebody to write for";
  make_account();
  accept('a', kLarge);
  make_backup("one.backup");
  const Owner nobody{65534, 65534};
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0711), 0);
  std::filesystem::create_directory(path("private")); // where he may not even look
  ASSERT_EQ(::chmod(path("private").c_str(), 0700), 0);
  std::filesystem::rename(path("one.backup"), path("private/one.backup"));
  const auto restore_for_nobody = [&](const std::string& directory) {
    return restore_sqlite(
        path("private/one.backup"), path(directory), [](std::uint64_t, std::uint64_t) {}, false, nobody);
  };
  std::filesystem::create_directory(path("roots"));
  EXPECT_FALSE(restore_for_nobody("roots"));
  EXPECT_TRUE(std::filesystem::is_empty(path("roots")));
  std::filesystem::create_directory(path("his"));
  ASSERT_EQ(::chown(path("his").c_str(), nobody.user, nobody.group), 0);
  const auto done = restore_for_nobody("his");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(::geteuid(), 0U);
  for (const auto& entry : std::filesystem::directory_iterator(path("his"))) {
    struct stat facts{};
    ASSERT_EQ(::lstat(entry.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_uid, nobody.user) << entry.path();
  }
}

} // namespace
} // namespace paquebot::store::sqlite
