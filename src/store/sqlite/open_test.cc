#include "store/sqlite/db.h"
#include "store/sqlite/open.h"
#include "store/sqlite/schema.h"
#include "store/test_contract.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace paquebot::store::sqlite {
namespace {

class SqliteOpen : public testing::Test {
protected:
  Result<std::unique_ptr<Store>> open() {
    SqliteOptions options;
    options.directory = directory();
    return open_sqlite(std::move(options));
  }
  /// Expects a refusal whose message holds `part`, and that no file was changed by it.
  void expect_refused(Errc code, const std::string& part) {
    const std::string before = content(path("paquebot.db"));
    const auto opened = open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_NE(opened.error().message.find(part), std::string::npos) << opened.error().message;
    EXPECT_TRUE(content(path("paquebot.db")) == before) << "a refused file was changed";
  }
  std::string directory() const { return directory_.path() + "/data"; }
  std::string path(const std::string& file) const { return directory() + "/" + file; }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void change(const std::string& file, const char* sql) {
    Db db(path(file), SQLITE_OPEN_READWRITE);
    db.exec(sql);
  }

private:
  TemporaryDirectory directory_;
};

TEST_F(SqliteOpen, MakesPrivateFilesWithTheSettingsOfTheFormat) {
  ASSERT_TRUE(open());
  struct stat status{};
  ASSERT_EQ(::stat(directory().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  for (const char* file : {"paquebot.db", "bulk.db"}) {
    ASSERT_EQ(::stat(path(file).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << file;
    Db db(path(file), SQLITE_OPEN_READWRITE);
    EXPECT_EQ(db.number("PRAGMA page_size", 0), 16384);
    EXPECT_EQ(db.number("PRAGMA auto_vacuum", 0), 2) << "incremental";
    Query mode = db.query("PRAGMA journal_mode");
    ASSERT_TRUE(mode.row());
    EXPECT_EQ(mode.text(0), "wal");
  }
}

/// A store of before, with names as they were typed.
constexpr const char* kOldNames = R"(
DELETE FROM setting WHERE key = 'names.comparable';
INSERT INTO domain(id, name) VALUES(1, 'example.org');
INSERT INTO account(id, domain, login, password, disabled, quota, created) VALUES(1, 1, 'josÉ@example.org', '', 0, 0, 1);
INSERT INTO address(domain, local, account) VALUES(1, 'josÉ', 1), (1, 'Ünit', 0);
INSERT INTO address_target(domain, local, target) VALUES(1, 'Ünit', 'JOSÉ@example.org');
)";

TEST_F(SqliteOpen, NamesOfBeforeAreBroughtIntoOneForm) {
  ASSERT_TRUE(open());
  change("paquebot.db", kOldNames);
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(run((*store)->directory().find_account("jos\xC3\xA9@example.org")).value().login,
            "jos\xC3\xA9@example.org");
  EXPECT_EQ(run((*store)->directory().find_address("jose\xCC\x81", "example.org"))->entry->account, 1);
  EXPECT_EQ(run((*store)->directory().find_address("\xC3\xBCNIT", "example.org"))->entry->targets.size(), 1u);
}

TEST_F(SqliteOpen, NamesThatClashStayWhatTheyWere) {
  ASSERT_TRUE(open());
  change("paquebot.db", kOldNames);
  change("paquebot.db",
         "INSERT INTO account(id, domain, login, password, disabled, quota, created) "
         "VALUES(2, 1, 'jos\xC3\xA9@example.org', '', 0, 0, 1); INSERT INTO address(domain, local, account) "
         "VALUES(1, 'jos\xC3\xA9', 2);");
  {
    auto store = open();
    ASSERT_TRUE(store);
    EXPECT_EQ(run((*store)->directory().find_address("JOS\xC3\x89", "example.org"))->entry->account, 1)
        << "by its own spelling";
    EXPECT_EQ(run((*store)->directory().find_address("jos\xC3\xA9", "example.org"))->entry->account, 2);
    EXPECT_EQ(run((*store)->directory().find_account("jos\xC3\xA9@example.org")).value().id, 2);
    EXPECT_EQ(run((*store)->directory().find_address("\xC3\x9Cnit", "example.org"))->entry->targets.size(), 1u)
        << "nothing was changed";
    ASSERT_TRUE(run((*store)->directory().remove_account("jos\xC3\xA9@example.org")));
  }
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(run((*store)->directory().find_account("jos\xC3\xA9@example.org")).value().id, 1) << "the way is free now";
}

TEST_F(SqliteOpen, ASecondServerIsRefused) {
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(SqliteOpen, ANewerSchemaIsRefused) {
  ASSERT_TRUE(open());
  change("paquebot.db", "PRAGMA user_version = 99");
  expect_refused(Errc::unsupported, "newer paquebot (schema 99");
}

TEST_F(SqliteOpen, SchemaOneIsBroughtUpToDate) {
  std::filesystem::create_directory(directory());
  {
    Db db = open_for_writing(path("paquebot.db"));
    db.exec(kMainSchema.steps[0].sql);
    db.exec("INSERT INTO domain(id, name, owner) VALUES(1, 'example.org', 1);"
            "INSERT INTO account(id, domain, login, password, disabled, quota, created)"
            "  VALUES(1, 1, 'ann@example.org', '$6$old', 0, 0, 1);"
            "INSERT INTO address(domain, local, account) VALUES(1, 'ann', 1);"
            "INSERT INTO mailbox(account, name, uidvalidity) VALUES(1, 'INBOX', 1);"
            "INSERT INTO setting VALUES('mailbox.uidvalidity', '1')");
    db.exec(("PRAGMA application_id = " + std::to_string(kMainApplication) + "; PRAGMA user_version = 1").c_str());
  }
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  const auto ann = run((*store)->directory().find_account("ann@example.org"));
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->password, "$6$old");
  EXPECT_EQ(ann->scram_keys, "");
  EXPECT_EQ(ann->scram_iterations, 0u);
  EXPECT_TRUE(run((*store)->credentials().list_app_passwords(ann->id))->empty());
  EXPECT_EQ(run((*store)->upkeep().get_setting("login.secret"))->size(), 64u);
  EXPECT_TRUE(run((*store)->upkeep().verify())->empty());
}

TEST_F(SqliteOpen, AnotherProgramsDatabaseIsRefused) {
  std::filesystem::create_directory(directory());
  {
    Db db(path("paquebot.db"), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    db.exec("CREATE TABLE theirs(a)");
  }
  expect_refused(Errc::unsupported, "is not Paquebot's");
}

TEST_F(SqliteOpen, GarbageIsRefused) {
  std::filesystem::create_directory(directory());
  std::ofstream(path("paquebot.db")) << std::string(20000, 'x');
  expect_refused(Errc::io, "is damaged");
}

TEST_F(SqliteOpen, LargeBodiesWithoutTheirDirectoryAreRefused) {
  {
    const auto store = open();
    ASSERT_TRUE(store);
    const auto staged = run((*store)->acceptance().stage());
    ASSERT_TRUE(staged);
    ASSERT_TRUE(run((*staged)->finish()));
  }
  std::filesystem::remove(path("paquebot.db"));
  expect_refused(Errc::io, "is missing");
  EXPECT_FALSE(std::filesystem::exists(path("paquebot.db")));
}

TEST_F(SqliteOpen, TheBulkFileOfAnotherStoreOrNoneIsRefused) {
  ASSERT_TRUE(open());
  change("paquebot.db", "PRAGMA wal_checkpoint(TRUNCATE)");
  change("bulk.db", "PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_TRUE(open()) << "both files carry the same id";
  change("paquebot.db", "PRAGMA wal_checkpoint(TRUNCATE)");
  change("bulk.db", "PRAGMA wal_checkpoint(TRUNCATE)");
  std::filesystem::rename(path("bulk.db"), path("kept"));
  expect_refused(Errc::io, "bulk.db is missing");
  EXPECT_FALSE(std::filesystem::exists(path("bulk.db"))) << "none is made in its place";
  std::ofstream(path("bulk.db")).close();
  expect_refused(Errc::io, "bulk.db is missing");

  const TemporaryDirectory other;
  SqliteOptions options;
  options.directory = other.path();
  ASSERT_TRUE(open_sqlite(options));
  Db(other.path() + "/bulk.db", SQLITE_OPEN_READWRITE).exec("PRAGMA wal_checkpoint(TRUNCATE)");
  std::filesystem::copy_file(other.path() + "/bulk.db", path("bulk.db"),
                             std::filesystem::copy_options::overwrite_existing);
  expect_refused(Errc::io, "belongs to another store");
  std::filesystem::rename(path("kept"), path("bulk.db"));
  EXPECT_TRUE(open());
}

TEST_F(SqliteOpen, AStoreOfBeforeWithoutItsLargeMailIsRefused) {
  ASSERT_TRUE(open());
  change("paquebot.db",
         "PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM setting WHERE key = 'store.id'; INSERT INTO body VALUES(1, "
         "1, 1, 1, 7, 0, x'', 0, x'')");
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path("bulk.db") + end);
  expect_refused(Errc::io, "bulk.db is missing");
}

TEST_F(SqliteOpen, AFirstStartThatWasBrokenOffBetweenTheTwoFilesIsGoneOnWith) {
  ASSERT_TRUE(open());
  change("paquebot.db", "DELETE FROM setting WHERE key = 'store.id'");
  EXPECT_TRUE(open()) << "bulk.db had its id already";
  change("paquebot.db", "DELETE FROM setting WHERE key = 'store.id'");
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path("bulk.db") + end);
  EXPECT_TRUE(open()) << "bulk.db was not made yet";
  EXPECT_TRUE(open());
}

TEST_F(SqliteOpen, DamageFoundAfterACrashIsRefused) {
  {
    const auto store = open();
    ASSERT_TRUE(store);
    ASSERT_TRUE(run((*store)->directory().add_domain("example.org")));
  }
  change("paquebot.db", "UPDATE node SET ended = 0; PRAGMA writable_schema = ON; "
                        "UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'setting'");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("restore a backup"), std::string::npos) << opened.error().message;
}

TEST_F(SqliteOpen, AnEmptyFileFromACrashIsTakenForNew) {
  std::filesystem::create_directory(directory());
  {
    const std::ofstream empty(path("paquebot.db"));
  }
  EXPECT_TRUE(open());
}

TEST_F(SqliteOpen, AMakingThatWasBrokenOffIsBegunAgain) {
  std::filesystem::create_directory(directory());
  {
    // A transaction in a rollback journal that has begun to reach the file: what a power cut leaves of the first start.
    Db db(path("paquebot.db"), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    db.exec("PRAGMA page_size = 16384; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; CREATE TABLE a(b)");
    db.exec("BEGIN; INSERT INTO a VALUES(zeroblob(1000000))");
    for (const char* end : {"", "-journal"}) std::filesystem::copy(path("paquebot.db") + end, path("kept") + end);
  }
  for (const char* end : {"", "-journal"}) {
    std::filesystem::remove(path("paquebot.db") + end);
    std::filesystem::rename(path("kept") + end, path("paquebot.db") + end);
  }
  const auto opened = open();
  ASSERT_FALSE(opened) << "it is not ours, but it can be read";
  EXPECT_EQ(opened.error().code, Errc::unsupported) << opened.error().message;
}

} // namespace
} // namespace paquebot::store::sqlite
