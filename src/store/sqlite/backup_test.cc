#include "store/sqlite/test_backup.h"
#include "store/sqlite/test_fault_vfs.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kLarge = 3u << 20;

TEST_F(SqliteBackup, ADamagedOneIsToldInWords) {
  make_account();
  ASSERT_TRUE(begin("one.backup"));
  ASSERT_TRUE(finish_backup([] {}));
  std::ofstream(path("rubbish.backup")) << std::string(100'000, 'x');
  std::filesystem::copy_file(path("one.backup"), path("short.backup"));
  std::filesystem::resize_file(path("short.backup"), 5000);
  std::filesystem::copy_file(path("one.backup"), path("torn.backup"));
  std::fstream(path("torn.backup"), std::ios::in | std::ios::out | std::ios::binary).seekp(4096)
      << std::string(60'000, '\7');
  for (const char* name : {"rubbish.backup", "short.backup", "torn.backup"}) {
    const auto restored = restore_sqlite(path(name), path("new"), [](std::uint64_t, std::uint64_t) {});
    ASSERT_FALSE(restored) << name;
    EXPECT_NE(restored.error().message.find("backup"), std::string::npos) << restored.error().message;
    for (const char* inner : {"PRAGMA", "SELECT", "malformed in"})
      EXPECT_EQ(restored.error().message.find(inner), std::string::npos) << restored.error().message;
  }
}

TEST_F(SqliteBackup, IsConsistentWhileMailComesAndGoes) {
  make_account();
  std::vector<Ulid> before;
  for (char letter = 'a'; letter < 'd'; ++letter) before.push_back(accept(letter, kLarge));
  const MailboxInfo inbox = run(store_->mailboxes().open(account_.id, "INBOX")).value();
  ASSERT_TRUE(begin("one.backup"));
  EXPECT_EQ(run(store_->upkeep().begin_backup(path("two.backup"))).error().code, Errc::conflict);
  int steps = 0;
  const auto change = [&] {
    accept('x', 100);
    if (++steps == 2) {
      // Given up by everybody while its copy is under way: it must be whole in the backup all the same.
      EXPECT_EQ(run(store_->queue().operate(QueueAction::cancel, {.message = before[0]}, "test", 1)).value(), 1u);
      EXPECT_EQ(run(store_->mailboxes().expunge(inbox.id, {1}, "test")).value(), 1u);
    }
    EXPECT_TRUE(run(store_->upkeep().maintain(1)));
  };
  const auto done = finish_backup(change);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->done, done->total);
  EXPECT_FALSE(std::filesystem::exists(path("one.backup.part")));
  EXPECT_EQ(run(store_->upkeep().go_on_with_backup(ticket_)).error().code, Errc::not_found);
  EXPECT_EQ(run(store_->upkeep().verify()).value(), std::vector<std::string>());

  const auto restored = restore_sqlite(path("one.backup"), path("again"), [](std::uint64_t, std::uint64_t) {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_GE(restored->held, before.size() - 1);
  auto again = open(path("again"));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(run((*again)->upkeep().verify()).value(), std::vector<std::string>());
  for (const Ulid& id : before) {
    const auto trace = run((*again)->trail().trace(id));
    ASSERT_TRUE(trace);
    EXPECT_NE(trace->recipients[1].state, State::waiting);
  }
  EXPECT_GT(run((*again)->mailboxes().open(account_.id, "INBOX")).value().uidvalidity, inbox.uidvalidity);
  EXPECT_FALSE(run((*again)->upkeep().get_setting(kRestoredSetting)).value().empty());
  EXPECT_EQ(run((*again)->queue().claim("far.example", INT64_MAX, 10)).value().items.size(), 0u);
}

TEST_F(SqliteBackup, AnErrorLeavesNoFile) {
  make_account();
  for (char letter = 'a'; letter < 'd'; ++letter) accept(letter, kLarge);
  FaultVfs faults("full.backup");
  ASSERT_TRUE(begin("full.backup"));
  faults.full = true;
  const auto done = finish_backup([] {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::no_space) << done.error().message;
  EXPECT_FALSE(std::filesystem::exists(path("full.backup")));
  EXPECT_FALSE(std::filesystem::exists(path("full.backup.part")));
  faults.full = false;
  ASSERT_TRUE(begin("full.backup"));
  EXPECT_TRUE(finish_backup([] {}));
  store_.reset();
}

TEST_F(SqliteBackup, MakesNoTemporaryFile) {
  make_account();
  accept('a', kLarge);
  // Making a table moves pages of others then, more than SQLite keeps in memory to undo it.
  Db(path("data/paquebot.db"), SQLITE_OPEN_READWRITE)
      .exec("WITH RECURSIVE n(i) AS (VALUES(10) UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
            "INSERT INTO probe SELECT i, randomblob(2500) FROM n; DELETE FROM probe WHERE id % 3 <> 0");
  FaultVfs faults("none");
  faults.no_temporary = true;
  make_backup("one.backup");
  const auto restored = restore("one.backup", "again");
  EXPECT_TRUE(restored) << restored.error().message;
}

TEST_F(SqliteBackup, WhatIsWrongIsToldAndCopiedAsItIs) {
  make_account();
  accept('a', kLarge);
  accept('b', kLarge);
  store_.reset();
  Db(path("data/paquebot.db"), SQLITE_OPEN_READWRITE).exec("UPDATE mailbox SET count = count + 1 WHERE id = 1");
  Db(path("data/bulk.db"), SQLITE_OPEN_READWRITE).exec("UPDATE chunk SET data = zeroblob(length(data)) WHERE bulk = 1");
  store_ = open(path("data")).value();
  make_backup("one.backup");
  EXPECT_EQ(findings_.size(), 2u);
  const auto refused = restore("one.backup", "again");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--force"), std::string::npos) << refused.error().message;
  const auto restored = restore("one.backup", "again", true);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->findings.size(), 2u);
  store_ = open(path("again")).value();
  EXPECT_EQ(run(store_->upkeep().verify()).value().size(), 2u);
}

TEST_F(SqliteBackup, DamagedPagesAreRefusedAlsoByForce) {
  make_account();
  accept('a', kLarge);
  make_backup("one.backup");
  std::fstream file(path("one.backup"), std::ios::in | std::ios::out | std::ios::binary);
  for (int page = 3; page < 8; ++page) file.seekp(page * 16384).write(std::string(64, 'x').data(), 64);
  file.close();
  for (const bool force : {false, true}) {
    const auto refused = restore("one.backup", "again", force);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::io) << refused.error().message;
    EXPECT_FALSE(std::filesystem::exists(path("again/paquebot.db")));
  }
}

/// The way out when bulk.db is lost for good.
TEST_F(SqliteBackup, ADataDirectoryIsRestoredByForceAlsoWithoutItsLargeMail) {
  make_account();
  accept('a', kLarge);
  const MailboxInfo inbox = run(store_->mailboxes().open(account_.id, "INBOX")).value();
  EXPECT_EQ(restore("data/paquebot.db", "again", true).error().code, Errc::conflict) << "it is in use";
  store_.reset();
  EXPECT_EQ(restore("data/paquebot.db", "again").error().code, Errc::unsupported);
  const auto whole = restore("data/paquebot.db", "again", true);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_TRUE(whole->findings.empty());
  EXPECT_EQ(run(open(path("again")).value()->upkeep().verify()).value(), std::vector<std::string>());

  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path("data/bulk.db") + end);
  EXPECT_FALSE(open(path("data")));
  const auto rest = restore("data/paquebot.db", "rest", true);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->findings.size(), 1u);
  store_ = open(path("rest")).value();
  EXPECT_EQ(run(store_->mailboxes().open(account_.id, "INBOX")).value().count, inbox.count);
}

/// Ids of bodies are small numbers: those of another store would be read as this one's mail.
TEST_F(SqliteBackup, TheLargeMailOfAnotherStoreIsNobodysHere) {
  make_account();
  accept('a', kLarge);
  store_.reset();
  for (const char* end : {"", "-wal", "-shm"})
    if (std::filesystem::exists(path("data/bulk.db") + end))
      std::filesystem::rename(path("data/bulk.db") + end, path("kept") + end);
  store_ = open(path("other")).value();
  make_account();
  accept('b', kLarge);
  store_.reset();
  std::filesystem::copy(path("other/bulk.db"), path("data/bulk.db"));
  EXPECT_FALSE(open(path("data")));
  const auto rest = restore("data/paquebot.db", "rest", true);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_FALSE(rest->findings.empty()) << "its large mail is missing";
  store_ = open(path("rest")).value();
  const MailboxInfo inbox = run(store_->mailboxes().open(account_.id, "INBOX")).value();
  ASSERT_EQ(inbox.count, 1u);
  const EntryInfo entry = run(store_->mailboxes().list_entries(inbox.id, 0, 1)).value().at(0);
  const auto content = run(store_->mailboxes().read_entry(inbox.id, entry.uid));
  EXPECT_FALSE(content && run(store_->content().read_body(content->body, 0, 1 << 20)));
}

/// A backup holds what has an owner only; the files themselves may hold what was just given up.
TEST_F(SqliteBackup, WhatWasGivenUpIsNotRestoredFromTheFilesThemselves) {
  make_account();
  accept('a', kLarge);
  accept('b', kLarge);
  const MailboxInfo inbox = run(store_->mailboxes().open(account_.id, "INBOX")).value();
  const std::vector<std::uint32_t> first{run(store_->mailboxes().list_entries(inbox.id, 0, 1)).value().at(0).uid};
  ASSERT_TRUE(run(store_->mailboxes().expunge(inbox.id, first, "anna")));
  store_.reset(); // before it was swept
  const auto done = restore("data/paquebot.db", "again", true);
  ASSERT_TRUE(done) << done.error().message;
  store_ = open(path("again")).value();
  EXPECT_EQ(run(store_->upkeep().verify()).value(), std::vector<std::string>());
  EXPECT_EQ(run(store_->mailboxes().open(account_.id, "INBOX")).value().count, 1u);
}

TEST_F(SqliteBackup, IsGivenUpWhenNobodyGoesOn) {
  make_account();
  for (char letter = 'a'; letter < 'd'; ++letter) accept(letter, kLarge);
  ASSERT_TRUE(begin("slow.backup"));
  ASSERT_TRUE(run(store_->upkeep().go_on_with_backup(ticket_)));
  clock_.advance(std::chrono::seconds(59));
  EXPECT_TRUE(run(store_->upkeep().maintain(1)));
  EXPECT_TRUE(std::filesystem::exists(path("slow.backup.part")));
  clock_.advance(std::chrono::seconds(2));
  EXPECT_TRUE(run(store_->upkeep().maintain(1)));
  EXPECT_FALSE(std::filesystem::exists(path("slow.backup.part")));
  EXPECT_EQ(run(store_->upkeep().go_on_with_backup(ticket_)).error().code, Errc::not_found);
  ASSERT_TRUE(begin("slow.backup"));
  EXPECT_TRUE(finish_backup([] {}));
}

TEST_F(SqliteBackup, TheNextOneTakesOverWhereNobodyGoesOn) {
  make_account();
  for (char letter = 'a'; letter < 'd'; ++letter) accept(letter, kLarge);
  ASSERT_TRUE(begin("killed.backup"));
  const auto killed = ticket_;
  ASSERT_TRUE(run(store_->upkeep().go_on_with_backup(killed)));
  clock_.advance(std::chrono::milliseconds(1900));
  EXPECT_EQ(run(store_->upkeep().begin_backup(path("next.backup"))).error().code, Errc::conflict);
  clock_.advance(std::chrono::milliseconds(200));
  ASSERT_TRUE(begin("next.backup"));
  EXPECT_FALSE(std::filesystem::exists(path("killed.backup.part")));
  const auto told = run(store_->upkeep().go_on_with_backup(killed)); // it was only stopped for a while
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Errc::conflict);
  EXPECT_THAT(told.error().message, testing::HasSubstr("another backup was begun"));
  ASSERT_TRUE(finish_backup([] {}));
  EXPECT_TRUE(std::filesystem::exists(path("next.backup")));
  EXPECT_FALSE(std::filesystem::exists(path("killed.backup")));
  // Of one file: whoever was first does not go on with what is another's.
  ASSERT_TRUE(begin("same.backup"));
  const auto first = ticket_;
  clock_.advance(std::chrono::seconds(3));
  ASSERT_TRUE(begin("same.backup"));
  EXPECT_EQ(run(store_->upkeep().go_on_with_backup(first)).error().code, Errc::conflict);
  EXPECT_TRUE(finish_backup([] {}));
}

TEST_F(SqliteBackup, RefusesPathsThatWouldHarm) {
  EXPECT_EQ(run(store_->upkeep().begin_backup("relative")).error().code, Errc::invalid);
  EXPECT_EQ(run(store_->upkeep().begin_backup(path("data") + "/paquebot.db")).error().code, Errc::conflict);
  EXPECT_EQ(run(store_->upkeep().begin_backup(path("none") + "/x")).error().code, Errc::io);
  EXPECT_EQ(run(store_->upkeep().go_on_with_backup(ticket_)).error().code, Errc::not_found);
}

} // namespace
} // namespace paquebot::store::sqlite
