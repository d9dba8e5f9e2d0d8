#include "store/postgres/open.h"
#include "store/postgres/test_server.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace paquebot::store::postgres {
namespace {

/// A store in a database of its own, and the hand of an administrator in it.
class PostgresFaults : public testing::Test {
protected:
  void SetUp() override {
    if (!TestServer::programs()) GTEST_SKIP() << "PostgreSQL is not installed (tools/setup test)";
    static std::atomic<int> last = 0;
    name_ = "faults" + std::to_string(++last);
    TestServer::get().make(name_);
    open();
  }
  void TearDown() override { store_.reset(); }

  void open() {
    StoreOptions options;
    options.on_fatal = [this](const std::string& why) {
      ended_ = true;
      log_ = why;
    };
    auto opened = open_postgres(url(), std::move(options));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  std::string url() const { return TestServer::get().url(name_); }
  Store& store() { return *store_; }
  /// Ends every connection to the database, as an administrator may.
  void cut() {
    PgConnection& admin = TestServer::get().admin();
    admin.exec(("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name_ + "'").c_str());
  }
  void make_account() {
    ASSERT_TRUE(run(store().directory().add_domain("example.org")));
    const auto account = run(store().directory().add_account({.login = "anna@example.org"}));
    ASSERT_TRUE(account) << account.error().message;
    account_ = account->id;
  }
  std::shared_ptr<AcceptRequest> message() {
    auto request = std::make_shared<AcceptRequest>();
    request->id = ulids_.next();
    request->head = "Subject: Hello\r\n\r\n";
    request->body.bytes = "Hello.\r\n";
    NewRecipient to;
    to.handling = Handling::mailbox;
    to.address = "anna@example.org";
    to.account = account_;
    request->recipients.push_back(to);
    return request;
  }
  std::uint64_t count() { return run(store().directory().get_account(account_)).value().messages; }

  std::unique_ptr<Store> store_;
  std::string name_, log_;
  std::atomic<bool> ended_ = false;
  Id account_ = 0;
  UlidSource ulids_{system_clock()};
};

/// Connections are cut all the while; each message is told to be accepted, and is there once.
TEST_F(PostgresFaults, WhatIsCutOffIsDoneOnce) {
  make_account();
  constexpr int kThreads = 4, kEach = 40;
  std::atomic<int> accepted = 0, refused = 0;
  {
    std::vector<std::shared_ptr<AcceptRequest>> requests;
    for (int i = 0; i < kThreads * kEach; ++i) requests.push_back(message());
    std::atomic<bool> done = false;
    std::jthread cutter([&] {
      while (!done) {
        cut();
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
      }
    });
    std::vector<std::jthread> senders;
    for (int t = 0; t < kThreads; ++t)
      senders.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const auto result = run(store().acceptance().accept(requests[static_cast<std::size_t>(t * kEach + i)]));
          (result.status == AcceptStatus::accepted ? accepted : refused) += 1;
        }
      });
    senders.clear();
    done = true;
  }
  EXPECT_EQ(accepted.load(), kThreads * kEach);
  EXPECT_EQ(refused.load(), 0);
  EXPECT_EQ(count(), static_cast<std::uint64_t>(accepted.load()));
  EXPECT_EQ(run(store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_F(PostgresFaults, AServerThatWasAwayIsFoundAgain) {
  make_account();
  TestServer::get().restart();
  EXPECT_EQ(run(store().acceptance().accept(message())).status, AcceptStatus::accepted);
  EXPECT_EQ(count(), 1u);
  EXPECT_FALSE(ended_);
}

/// Whoever was taken for dead commits nothing any more.
TEST_F(PostgresFaults, AnEndedEpochWritesNothing) {
  make_account();
  const auto other = std::make_shared<PgConnection>(target_of(url()).value(), PgConnection::Use::writing);
  other->exec("DELETE FROM writer; UPDATE node SET ended = 1 WHERE id > 1");
  const auto result = run(store().acceptance().accept(message()));
  EXPECT_EQ(result.status, AcceptStatus::failed);
  EXPECT_TRUE(ended_);
  sqlite::Db db(other);
  EXPECT_EQ(db.number("SELECT count(*) FROM message", -1), 0);
  const auto later = run(store().upkeep().set_setting("a", "b"));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Errc::epoch_ended);
}

TEST_F(PostgresFaults, ADatabaseOfAnotherKindIsRefused) {
  TestServer& server = TestServer::get();
  server.admin().exec("CREATE DATABASE utf8 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  const auto utf8 = open_postgres(server.url("utf8"), {});
  ASSERT_FALSE(utf8);
  EXPECT_EQ(utf8.error().code, Errc::unsupported);
  EXPECT_TRUE(utf8.error().message.contains("createdb")) << utf8.error().message;
  server.make("foreign");
  PgConnection(target_of(server.url("foreign")).value(), PgConnection::Use::writing).exec("CREATE TABLE cats(id int)");
  const auto foreign = open_postgres(server.url("foreign"), {});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Errc::unsupported);
  const auto newer = std::make_shared<PgConnection>(target_of(url()).value(), PgConnection::Use::writing);
  newer->exec("INSERT INTO paquebot_schema VALUES(1000)");
  store_.reset();
  const auto opened = open_postgres(url(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unsupported);
}

/// Mail is octets of any kind; only NUL is none of a text.
TEST_F(PostgresFaults, TextsAreOctets) {
  const std::string octets = "a\xff\xfe'\"\\;--$1 \xc3\x28";
  ASSERT_TRUE(run(store().upkeep().set_setting("octets", octets)));
  EXPECT_EQ(run(store().upkeep().get_setting("octets")).value(), octets);
  ASSERT_TRUE(run(store().upkeep().set_setting("nul", std::string("a\0b", 3))));
  EXPECT_EQ(run(store().upkeep().get_setting("nul")).value(), "a?b");
}

} // namespace
} // namespace paquebot::store::postgres
