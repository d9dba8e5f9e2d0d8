#include "store/body_writer.h"
#include "store/postgres/open.h"
#include "store/postgres/test_server.h"
#include "store/store_copy.h"

#include <filesystem>
#include <string>
#include <vector>

namespace paquebot::store::postgres {
namespace {

const auto kUntold = [](std::uint64_t, std::uint64_t) {};

class StoreCopyTest : public testing::Test {
protected:
  void SetUp() override {
    if (!TestServer::programs()) GTEST_SKIP() << "PostgreSQL is not installed (tools/setup test)";
    static int last = 0;
    name_ = "copy" + std::to_string(++last);
    TestServer::get().make(name_);
    url_ = TestServer::get().url(name_);
  }
  static std::unique_ptr<Store> open(const std::string& place) {
    auto opened = open_store(place);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  static std::shared_ptr<AcceptRequest> message(const Ulid& id, const Account& to, std::string body) {
    auto request = std::make_shared<AcceptRequest>();
    request->id = id;
    request->accepted_at = millis(system_clock().wall());
    request->expires_at = request->accepted_at + 3'600'000;
    request->head = "Subject: Hello\r\n\r\n";
    request->body.size = body.size();
    request->body.bytes = std::move(body);
    NewRecipient inbox, far;
    inbox.handling = Handling::mailbox;
    inbox.address = to.login;
    inbox.account = to.id;
    far.handling = Handling::remote;
    far.address = "x@far.test";
    far.destination = "far.test";
    request->recipients = {inbox, far};
    return request;
  }
  /// A store with some of everything that is kept otherwise in the other kind.
  void fill(Store& store) {
    UlidSource ulids(system_clock());
    ASSERT_TRUE(run(store.directory().add_domain("example.org")));
    const auto anna = run(store.directory().add_account({.login = "anna@example.org"}));
    ASSERT_TRUE(anna);
    for (const std::string& body : {std::string("small\r\n"), std::string("\xff\xfe\x00\r\n", 5), std::string()})
      EXPECT_EQ(run(store.acceptance().accept(message(ulids.next(), *anna, body))).status, AcceptStatus::accepted);
    auto kept = message(ulids.next(), *anna, "old\r\n");
    kept->uidl = "kept-from-before";
    kept->recipients.pop_back();
    EXPECT_EQ(run(store.acceptance().accept(kept)).status, AcceptStatus::accepted);
    auto large = message(ulids.next(), *anna, {});
    const auto staged = run(store.acceptance().stage());
    ASSERT_TRUE(staged);
    ASSERT_TRUE(run((*staged)->append(std::string(kBodyChunk, 'x'))));
    ASSERT_TRUE(run((*staged)->append("end\r\n")));
    ASSERT_TRUE(run((*staged)->finish()));
    large->body.staged = *staged;
    large->body.size = kBodyChunk + 5;
    EXPECT_EQ(run(store.acceptance().accept(large)).status, AcceptStatus::accepted);
    ASSERT_TRUE(run(store.upkeep().set_setting("octets", "a\xff\xfe'\"")));
  }
  /// What somebody sees of it.
  static std::vector<std::string> look(Store& store) {
    std::vector<std::string> seen;
    const auto anna = run(store.directory().find_account("anna@example.org")).value();
    const auto inbox = run(store.mailboxes().open(anna.id, "INBOX")).value();
    seen.push_back(std::to_string(inbox.uidvalidity) + " " + std::to_string(inbox.uidnext));
    const auto entries = run(store.mailboxes().list_entries(inbox.id, 0, 100)).value();
    for (const EntryInfo& entry : entries) {
      const auto content = run(store.mailboxes().read_entry(inbox.id, entry.uid)).value();
      seen.push_back(std::to_string(entry.uid) + " " + entry.uidl.to_string() + entry.old_uidl + " " + content.head);
      seen.push_back(run(store.content().read_body(content.body, 0, 1u << 20)).value());
    }
    const auto places = run(store.queue().list_destinations(true)).value();
    for (const DestinationFacts& place : places) seen.push_back(place.key + " " + std::to_string(place.waiting));
    for (const char* key : {"octets", "login.secret"}) seen.push_back(run(store.upkeep().get_setting(key)).value());
    EXPECT_EQ(run(store.upkeep().verify()).value(), std::vector<std::string>());
    return seen;
  }

  TemporaryDirectory folder_;
  std::string name_, url_;
};

TEST_F(StoreCopyTest, GoesBothWays) {
  const std::string first = folder_.path() + "/first", second = folder_.path() + "/second";
  std::vector<std::string> before;
  {
    const auto store = open(first);
    fill(*store);
    before = look(*store);
  }
  const auto there = copy_store(first, url_, false, kUntold);
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_TRUE(there->findings.empty()) << there->findings[0].what;
  EXPECT_GT(there->rows, 20u);
  const auto moved = open_store(first);
  ASSERT_FALSE(moved) << "it was moved";
  EXPECT_EQ(moved.error().code, Errc::conflict);
  {
    const auto store = open(url_);
    EXPECT_EQ(look(*store), before);
    UlidSource ulids(system_clock());
    const auto anna = run(store->directory().find_account("anna@example.org")).value();
    EXPECT_EQ(run(store->acceptance().accept(message(ulids.next(), anna, "new\r\n"))).status, AcceptStatus::accepted);
    before = look(*store);
  }
  const auto back = copy_store(url_, second, true, kUntold);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->findings.empty()) << back->findings[0].what;
  EXPECT_EQ(look(*open(second)), before);
  EXPECT_EQ(look(*open(url_)), before) << "it was to be kept";
}

TEST_F(StoreCopyTest, DisturbsNobody) {
  const std::string first = folder_.path() + "/first";
  {
    const auto store = open(first);
    fill(*store);
    EXPECT_EQ(copy_store(first, url_, false, kUntold).error().code, Errc::conflict) << "a server works on it";
  }
  {
    const auto store = open(url_);
    EXPECT_EQ(copy_store(first, url_, false, kUntold).error().code, Errc::conflict) << "one works on the database";
    ASSERT_TRUE(run(store->directory().add_domain("example.net")));
  }
  EXPECT_EQ(copy_store(first, url_, false, kUntold).error().code, Errc::conflict) << "it is not empty";
  EXPECT_TRUE(open_store(first)) << "nothing was moved";
  EXPECT_EQ(copy_store(first, folder_.path() + "/other", false, kUntold).error().code, Errc::invalid);
}

TEST_F(StoreCopyTest, OneThatWasBrokenOffIsBegunAnew) {
  const std::string first = folder_.path() + "/first";
  std::vector<std::string> before;
  {
    const auto store = open(first);
    fill(*store);
    before = look(*store);
  }
  ASSERT_TRUE(copy_store(first, url_, true, kUntold));
  { // as a crash in its middle leaves it
    PgConnection hand(target_of(url_).value(), PgConnection::Use::writing);
    hand.exec("INSERT INTO setting(key, value) VALUES('store.copying', 'x'); DELETE FROM message");
  }
  EXPECT_EQ(open_store(url_).error().code, Errc::conflict);
  const auto again = copy_store(first, url_, true, kUntold);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(look(*open(url_)), before);
}

} // namespace
} // namespace paquebot::store::postgres
