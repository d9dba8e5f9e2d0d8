// Backups and data directories of every schema there has been: restored, verified, and refused without harm.
#include "store/offline.h"
#include "store/sqlite/open.h"
#include "store/sqlite/test_fault_vfs.h"
#include "store/sqlite/test_samples.h"
#include "store/test_contract.h"

namespace paquebot::store::sqlite {
namespace {

const auto kNoProgress = [](std::uint64_t, std::uint64_t) {};

std::string octets(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class OldBackup : public testing::TestWithParam<int> {
protected:
  OldBackup() { archive_ = path("old.backup"); }
  std::string path(const std::string& name) const { return place_.path() + "/" + name; }

  /// The sample of schema 1, taken to the step.
  void build_store(int version) {
    build_sample(path("old"), 1);
    Db main(path("old/paquebot.db"), SQLITE_OPEN_READWRITE);
    Schema until = kMainSchema;
    until.count = version;
    migrate(main, until);
  }
  /// What `paquebot backup` of that time wrote: format 1.
  void build_archive(int version) {
    build_store(version);
    std::filesystem::copy_file(path("old/paquebot.db"), archive_);
    change(R"sql(
      CREATE TABLE backup(format INTEGER NOT NULL, made_at INTEGER NOT NULL);
      CREATE TABLE bulk(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, state INTEGER NOT NULL, size INTEGER NOT NULL);
      CREATE TABLE chunk(bulk INTEGER NOT NULL, start INTEGER NOT NULL, sum INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY(bulk, start)) WITHOUT ROWID;
      PRAGMA application_id = 1347502657;
      INSERT INTO backup VALUES(1, 1795447430000))sql");
    change(("ATTACH '" + path("old/bulk.db") +
            "' AS large; INSERT INTO main.bulk SELECT id, epoch, state, size FROM large.bulk; "
            "INSERT INTO main.chunk SELECT bulk, start, sum, data FROM large.chunk")
               .c_str());
  }
  void change(const char* sql) { Db(archive_, SQLITE_OPEN_READWRITE).exec(sql); }
  Result<RestoreResult> restore() { return restore_sqlite(archive_, path("new"), kNoProgress); }
  /// No store, and nothing of a restore that was broken off.
  void expect_nothing_restored() {
    if (!std::filesystem::exists(path("new"))) return;
    for (const auto& file : std::filesystem::directory_iterator(path("new")))
      EXPECT_EQ(file.path().filename(), "paquebot.lock");
  }

  const TemporaryDirectory place_;
  std::string archive_;
};

void read_all(Store& store, const MailboxInfo& inbox) {
  std::vector<std::uint32_t> uids;
  std::uint64_t sum = 0;
  const std::vector<EntryInfo> entries = run(store.mailboxes().list_entries(inbox.id, 0, 10)).value();
  for (const EntryInfo& entry : entries) {
    const auto content = run(store.mailboxes().read_entry(inbox.id, entry.uid));
    ASSERT_TRUE(content) << content.error().message;
    const auto body = run(store.content().read_body(content->body, 0, 1 << 20));
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(content->head.size() + body->size(), entry.size);
    sum += entry.size;
    uids.push_back(entry.uid);
  }
  EXPECT_EQ(sum, inbox.bytes);
  EXPECT_EQ(run(store.mailboxes().expunge(inbox.id, uids, "anna")).value(), 3u);
}

TEST_P(OldBackup, IsUpgradedWhileItIsRestored) {
  build_archive(GetParam());
  const std::string before = octets(archive_);
  std::filesystem::permissions(archive_, std::filesystem::perms::owner_read);
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->held, 1u);
  EXPECT_EQ(octets(archive_), before);
  for (const auto& file : std::filesystem::directory_iterator(path("new")))
    EXPECT_FALSE(file.path().filename().string().starts_with("restore-")) << file.path();

  SqliteOptions options;
  options.directory = path("new");
  auto opened = open_sqlite(options);
  ASSERT_TRUE(opened) << opened.error().message;
  Store& store = **opened;
  EXPECT_EQ(run(store.upkeep().verify()).value(), std::vector<std::string>());
  const auto anna = run(store.directory().find_account("anna@example.test"));
  ASSERT_TRUE(anna);
  const MailboxInfo inbox = run(store.mailboxes().open(anna->id, "INBOX")).value();
  ASSERT_EQ(inbox.count, 3u);
  read_all(store, inbox);
  EXPECT_EQ(run(store.queue().claim("far.test", INT64_MAX, 10)).value().items.size(), 0u);
  EXPECT_EQ(run(store.queue().operate(QueueAction::release, {}, "test", 10)).value(), 1u);
  const auto waiting = run(store.queue().claim("far.test", INT64_MAX, 10));
  ASSERT_TRUE(waiting);
  ASSERT_EQ(waiting->items.size(), 1u);
  const auto trail = run(store.trail().trace(waiting->items.front().message.id));
  ASSERT_TRUE(trail) << trail.error().message;
  ASSERT_GE(trail->events.size(), 2u);
  EXPECT_EQ(trail->events.front().kind, EventKind::accepted);
  EXPECT_EQ(run(store.upkeep().verify()).value(), std::vector<std::string>());
}

class FirstBackup : public OldBackup {};

TEST_P(FirstBackup, ItsGarbageIsForgottenAndItsIdsAreNotGivenAgain) {
  build_archive(GetParam());
  change("INSERT INTO bulk_garbage VALUES(99)");
  ASSERT_TRUE(restore());
  SqliteOptions options;
  options.directory = path("new");
  const auto opened = open_sqlite(options);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(Db(path("new/paquebot.db"), SQLITE_OPEN_READWRITE).number("SELECT count(*) FROM bulk_garbage", -1), 0);
  EXPECT_EQ(run((*opened)->acceptance().stage()).value()->content().bulk, 100);
}

TEST_P(OldBackup, DamageIsFoundBeforeAnythingIsRestored) {
  const std::pair<const char*, const char*> cases[] = {
      {"UPDATE chunk SET data = zeroblob(length(data))", "checksum"},
      {"DELETE FROM chunk", "is not of its size"},
      {"DELETE FROM bulk", "not complete"},
      {"UPDATE body SET data = x'00' WHERE id = 1", "does not match its checksum"},
      {"UPDATE head SET sum = sum + 1 WHERE id = 1", "does not match its checksum"},
      {"DELETE FROM event", "does not begin with its acceptance"},
      {"UPDATE entry SET size = size + 1 WHERE uid = 1; UPDATE mailbox SET bytes = "
       "(SELECT ifnull(sum(size), 0) FROM entry WHERE mailbox = mailbox.id)",
       "size of an entry"},
  };
  for (const auto& [sql, words] : cases) {
    std::filesystem::remove_all(path("old"));
    std::filesystem::remove(archive_);
    build_archive(GetParam());
    change(sql);
    const auto restored = restore();
    ASSERT_FALSE(restored) << sql;
    EXPECT_NE(restored.error().message.find("not sound"), std::string::npos) << restored.error().message;
    EXPECT_NE(restored.error().message.find(words), std::string::npos) << restored.error().message;
    expect_nothing_restored();
  }
}

TEST_P(OldBackup, NoRoomLeavesNothing) {
  build_archive(GetParam());
  FaultVfs faults("restore-paquebot.db");
  faults.full = true;
  const auto restored = restore();
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Errc::no_space) << restored.error().message;
  expect_nothing_restored();
  faults.full = false;
  const auto again = restore();
  EXPECT_TRUE(again) << again.error().message;
}

TEST_P(OldBackup, VerifyReadsAnOlderDirectoryAndLeavesItAsItIs) {
  build_store(GetParam());
  const std::string before = octets(path("old/paquebot.db"));
  const auto findings = [this] {
    std::vector<std::string> found;
    auto inspection = inspect_sqlite(path("old"));
    EXPECT_TRUE(inspection) << inspection.error().message;
    for (std::optional<VerifyPoint> at = VerifyPoint{}; inspection && at;) {
      const VerifyStep step = (*inspection)->step(*at);
      for (const Finding& finding : step.findings) found.push_back(finding.what);
      at = step.next;
    }
    return found;
  };
  EXPECT_EQ(findings(), std::vector<std::string>());
  EXPECT_EQ(octets(path("old/paquebot.db")), before);
  Db(path("old/paquebot.db"), SQLITE_OPEN_READWRITE).exec("UPDATE body SET data = x'00' WHERE id = 1");
  EXPECT_EQ(findings(), std::vector<std::string>{"body 1: does not match its checksum or size"});
}

TEST_P(OldBackup, OfANewerProgramOrOfNoneIsRefused) {
  build_archive(GetParam());
  const std::pair<const char*, const char*> cases[] = {
      {"PRAGMA user_version = 99", "newer paquebot"},
      {"PRAGMA user_version = 0", "not a backup"},
      {"PRAGMA user_version = -3", "not a backup"},
  };
  for (const auto& [sql, words] : cases) {
    change(sql);
    const auto restored = restore();
    ASSERT_FALSE(restored) << sql;
    EXPECT_EQ(restored.error().code, Errc::unsupported);
    EXPECT_NE(restored.error().message.find(words), std::string::npos) << restored.error().message;
    expect_nothing_restored();
  }
}

INSTANTIATE_TEST_SUITE_P(Schema, FirstBackup, testing::Values(1));
INSTANTIATE_TEST_SUITE_P(Schema, OldBackup, testing::Range(1, kMainSchema.count + 1));

} // namespace
} // namespace paquebot::store::sqlite
