// Mailboxes beside INBOX, which nothing makes yet but a statement here.
#include "store/sqlite/db.h"
#include "store/sqlite/open.h"
#include "store/test_contract.h"

namespace paquebot::store::sqlite {
namespace {

class SqliteMailbox : public testing::Test {
protected:
  void SetUp() override {
    open();
    EXPECT_TRUE(run(store_->directory().add_domain("example.org")));
    Account wanted;
    wanted.login = "anna@example.org";
    anna_ = run(store_->directory().add_account(wanted)).value();
  }
  void open() {
    SqliteOptions options;
    options.directory = place_.path() + "/data";
    auto opened = open_sqlite(options);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  /// While nobody has it open.
  void change(const char* sql) {
    store_.reset();
    Db(place_.path() + "/data/paquebot.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX).exec(sql);
    open();
  }
  std::shared_ptr<AcceptRequest> message(const std::vector<std::string>& mailboxes) {
    auto request = std::make_shared<AcceptRequest>();
    request->id = ulids_.next();
    request->accepted_at = request->id.millis();
    request->expires_at = request->accepted_at + 1000;
    request->head = "Subject: x\r\n\r\n";
    for (const std::string& name : mailboxes) {
      NewRecipient r;
      r.handling = Handling::mailbox;
      r.address = anna_.login;
      r.account = anna_.id;
      r.mailbox = name;
      request->recipients.push_back(r);
    }
    return request;
  }
  AcceptResult accept(const std::vector<std::string>& mailboxes) {
    return run(store_->acceptance().accept(message(mailboxes)));
  }
  MailboxInfo box(const std::string& name) { return run(store_->mailboxes().open(anna_.id, name)).value(); }
  std::vector<std::string> faults() { return run(store_->upkeep().verify()).value(); }

  const TemporaryDirectory place_;
  UlidSource ulids_;
  std::unique_ptr<Store> store_;
  Account anna_;
};

TEST_F(SqliteMailbox, ARecipientNamesItsMailbox) {
  EXPECT_EQ(accept({"Junk"}).status, AcceptStatus::accepted);
  EXPECT_EQ(accept({"Junk", "", "INBOX", "Junk"}).status, AcceptStatus::accepted);
  EXPECT_EQ(box("Junk").count, 2u);
  EXPECT_EQ(box("INBOX").count, 1u);
  EXPECT_EQ(faults(), std::vector<std::string>());
  EXPECT_EQ(run(store_->mailboxes().expunge(box("Junk").id, {1}, "anna")).value(), 1u);
  EXPECT_EQ(faults(), std::vector<std::string>());
  change("DELETE FROM entry WHERE mailbox = 4; UPDATE mailbox SET count = 0, bytes = 0, unseen = 0 WHERE id = 4");
  const std::vector<std::string> found = faults();
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found.front().find("it was delivered to a mailbox, but is not there"), std::string::npos) << found.front();
}

TEST_F(SqliteMailbox, TheQuotaIsOfAllMailboxes) {
  ASSERT_EQ(accept({"", "Junk"}).status, AcceptStatus::accepted);
  Account account = run(store_->directory().get_account(anna_.id)).value();
  EXPECT_EQ(account.used, box("INBOX").bytes + box("Junk").bytes);
  const std::uint64_t one = box("INBOX").bytes;
  account.quota = 4 * one;
  ASSERT_TRUE(run(store_->directory().update_account(account)));
  EXPECT_EQ(accept({"Junk"}).status, AcceptStatus::accepted);
  const AcceptResult both = accept({"", "Junk"});
  EXPECT_EQ(both.status, AcceptStatus::over_quota) << "room for one, and it would be two";
  EXPECT_EQ(both.recipients, std::vector<std::uint32_t>{1});
  EXPECT_EQ(accept({""}).status, AcceptStatus::accepted);
  EXPECT_EQ(accept({"Junk"}).status, AcceptStatus::over_quota);
  EXPECT_EQ(faults(), std::vector<std::string>());
}

/// What an account's mailboxes had of their own goes with them.
TEST_F(SqliteMailbox, NothingStaysBehindOfAnAccount) {
  ASSERT_EQ(accept({"Junk", ""}).status, AcceptStatus::accepted);
  EXPECT_TRUE(run(store_->mailboxes().expunge(box("Junk").id, {1}, "anna")));
  change("INSERT INTO keyword VALUES(4, 16, '$Junk'); INSERT INTO outline SELECT id, -id, x'', x'', '' FROM body");
  EXPECT_EQ(faults(), std::vector<std::string>());
  run(store_->directory().remove_account(anna_.login)).value();
  while (run(store_->upkeep().maintain(millis(system_clock().wall()))).value()) {
  }
  EXPECT_EQ(faults(), std::vector<std::string>());
  store_.reset();
  Db db(place_.path() + "/data/paquebot.db", SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX);
  for (const char* table :
       {"SELECT count(*) FROM keyword", "SELECT count(*) FROM outline", "SELECT count(*) FROM expunged",
        "SELECT count(*) FROM subscription", "SELECT count(*) FROM mailbox", "SELECT count(*) FROM body"})
    EXPECT_EQ(db.number(table, -1), 0) << table;
}

} // namespace
} // namespace paquebot::store::sqlite
