#include "store/postgres/nodes.h"
#include "store/postgres/open.h"
#include "store/postgres/test_server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace paquebot::store::postgres {
namespace {

/// What a store tells of, and waiting for it.
class Heard {
public:
  explicit Heard(Store& store)
      : subscription_(store.subscribe([this](const Change& change) {
          const std::lock_guard lock(mutex_);
          changes_.push_back(change);
          wake_.notify_all();
        })) {}
  bool wait(Change::Kind kind, const std::string& key = {}, Id id = 0) {
    std::unique_lock lock(mutex_);
    return wake_.wait_for(lock, std::chrono::seconds(30), [&] {
      return std::ranges::any_of(changes_, [&](const Change& one) {
        return one.kind == kind && (key.empty() || one.key == key) && (id == 0 || one.id == id);
      });
    });
  }

private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Change> changes_;
  std::unique_ptr<Subscription> subscription_;
};

/// Two stores on one database.
class ClusterContract : public testing::Test {
protected:
  void SetUp() override {
    if (!TestServer::programs()) GTEST_SKIP() << "PostgreSQL is not installed (tools/setup test)";
    static std::atomic<int> last = 0;
    name_ = "cluster" + std::to_string(++last);
    TestServer::get().make(name_);
    a_ = open("a");
    b_ = open("b");
  }
  void TearDown() override {
    if (b_) {
      EXPECT_EQ(run(b_->upkeep().verify()).value(), std::vector<std::string>());
    }
    a_.reset();
    b_.reset();
  }

  std::string url() const { return TestServer::get().url(name_); }
  std::unique_ptr<Store> open(const std::string& node) {
    StoreOptions options;
    options.node = node;
    options.on_fatal = [this](const std::string&) { ended_ = true; };
    auto opened = open_postgres(url(), std::move(options));
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  std::shared_ptr<PgConnection> hand() const {
    return std::make_shared<PgConnection>(target_of(url()).value(), PgConnection::Use::writing);
  }
  static Id epoch_of(Store& store) {
    const auto nodes = run(store.upkeep().list_nodes()).value();
    for (const NodeFacts& node : nodes)
      if (node.own) return node.epoch;
    return 0;
  }
  Account make_account(Store& store, const std::string& login) {
    static_cast<void>(run(store.directory().add_domain(login.substr(login.find('@') + 1))));
    auto account = run(store.directory().add_account({.login = login}));
    EXPECT_TRUE(account) << account.error().message;
    return account.value_or(Account());
  }
  std::shared_ptr<AcceptRequest> message(const Account* to, const std::string& destination = {}) {
    auto request = std::make_shared<AcceptRequest>();
    {
      const std::lock_guard lock(mutex_);
      request->id = ulids_.next();
    }
    request->accepted_at = millis(system_clock().wall());
    request->expires_at = request->accepted_at + 3'600'000;
    request->head = "Subject: Hello\r\n\r\n";
    request->body.bytes = "Hello.\r\n";
    request->body.size = request->body.bytes.size();
    NewRecipient one;
    one.handling = to != nullptr ? Handling::mailbox : Handling::remote;
    one.address = to != nullptr ? to->login : "x@" + destination;
    one.account = to != nullptr ? to->id : 0;
    one.destination = destination;
    request->recipients.push_back(one);
    return request;
  }
  void accept(Store& store, std::shared_ptr<AcceptRequest> request) {
    const auto done = run(store.acceptance().accept(std::move(request)));
    EXPECT_EQ(done.status, AcceptStatus::accepted) << done.why;
  }
  std::set<Ulid> claim(Store& store, const std::string& destination, std::size_t most) {
    const auto claimed = run(store.queue().claim(destination, millis(system_clock().wall()) + 1000, most));
    EXPECT_TRUE(claimed);
    std::set<Ulid> ids;
    for (const WorkItem& item : claimed->items) ids.insert(item.message.id);
    return ids;
  }

  std::string name_;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  UlidSource ulids_{system_clock()};
  std::unique_ptr<Store> a_, b_;
};

TEST_F(ClusterContract, BothAreListedByName) {
  std::vector<std::string> names;
  const auto nodes = run(b_->upkeep().list_nodes()).value();
  for (const NodeFacts& node : nodes) names.push_back(node.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  a_.reset();
  EXPECT_EQ(run(b_->upkeep().list_nodes()).value().size(), 1u);
}

TEST_F(ClusterContract, WhatOneDoesTheOtherSees) {
  const Account anna = make_account(*a_, "anna@example.org");
  const auto inbox = run(b_->mailboxes().open(anna.id, "INBOX"));
  ASSERT_TRUE(inbox);
  Heard heard(*b_);
  accept(*a_, message(&anna));
  EXPECT_TRUE(heard.wait(Change::Kind::mailbox, {}, inbox->id));
  EXPECT_EQ(run(b_->mailboxes().open(anna.id, "INBOX")).value().count, 1u);
  accept(*b_, message(&anna));
  EXPECT_EQ(run(a_->mailboxes().open(anna.id, "INBOX")).value().count, 2u);
}

TEST_F(ClusterContract, ADirectoryThatChangedIsNotServedFromMemory) {
  Heard heard(*b_);
  const std::uint64_t before = b_->directory().generation();
  make_account(*a_, "anna@example.org");
  EXPECT_TRUE(heard.wait(Change::Kind::directory));
  EXPECT_GT(b_->directory().generation(), before);
}

TEST_F(ClusterContract, SettingsAndEndsOfAccountsAreTold) {
  const Account anna = make_account(*a_, "anna@example.org");
  Heard heard(*b_);
  ASSERT_TRUE(run(a_->upkeep().set_setting("guard.listed x.test", "1")));
  EXPECT_TRUE(heard.wait(Change::Kind::setting, "guard.listed x.test"));
  ASSERT_TRUE(run(a_->directory().remove_account("anna@example.org")));
  EXPECT_TRUE(heard.wait(Change::Kind::account_ended, {}, anna.id));
}

/// Nobody claims what the other has, whoever hurries.
TEST_F(ClusterContract, WorkIsClaimedOnce) {
  constexpr std::size_t kMessages = 200;
  for (std::size_t i = 0; i < kMessages; ++i) accept(i % 2 == 0 ? *a_ : *b_, message(nullptr, "far.test"));
  std::set<Ulid> all[2];
  std::atomic<std::size_t> claimed = 0;
  {
    std::vector<std::jthread> nodes;
    for (const int n : {0, 1})
      nodes.emplace_back([&, n] {
        Store& store = n == 0 ? *a_ : *b_;
        for (std::set<Ulid> some = claim(store, "far.test", 7); !some.empty(); some = claim(store, "far.test", 7)) {
          claimed += some.size();
          all[n].merge(some);
        }
      });
  }
  EXPECT_EQ(claimed.load(), kMessages);
  all[0].merge(all[1]);
  EXPECT_EQ(all[0].size(), kMessages);
}

TEST_F(ClusterContract, WhatAnEndedNodeHadInHandGoesOn) {
  accept(*a_, message(nullptr, "far.test"));
  EXPECT_EQ(claim(*a_, "far.test", 10).size(), 1u);
  EXPECT_EQ(claim(*b_, "far.test", 10).size(), 0u);
  Heard heard(*b_);
  a_.reset();
  EXPECT_TRUE(heard.wait(Change::Kind::queue));
  EXPECT_EQ(claim(*b_, "far.test", 10).size(), 1u);
}

/// One that is taken for dead, and is not: what it sends later does not count, and it hears so.
TEST_F(ClusterContract, WhatADeadNodeHadInHandGoesOnAndItsWordCountsNoMore) {
  const Account anna = make_account(*a_, "anna@example.org");
  const auto inbox = run(a_->mailboxes().open(anna.id, "INBOX")).value();
  accept(*a_, message(nullptr, "far.test"));
  EXPECT_EQ(claim(*a_, "far.test", 10).size(), 1u);
  const auto lock = run(a_->mailboxes().lock(inbox.id));
  ASSERT_TRUE(lock);
  EXPECT_TRUE(run(a_->upkeep().lease("upkeep", std::chrono::seconds(600))).value());
  sqlite::Db db(hand());
  EXPECT_TRUE(end_epoch(db, epoch_of(*a_), epoch_of(*b_)));
  EXPECT_FALSE(end_epoch(db, epoch_of(*a_), epoch_of(*b_))) << "once";
  EXPECT_EQ(claim(*b_, "far.test", 10).size(), 1u);
  EXPECT_TRUE(run(b_->mailboxes().lock(inbox.id)));
  EXPECT_TRUE(run(b_->upkeep().lease("upkeep", std::chrono::seconds(600))).value());
  EXPECT_EQ(run(a_->acceptance().accept(message(&anna))).status, AcceptStatus::failed);
  EXPECT_TRUE(ended_);
}

/// The negative control: without the fence a node that was taken for dead goes on to write, and its delivery counts
/// twice.
TEST_F(ClusterContract, WithoutTheFenceADeadNodeWrites) {
  const Account anna = make_account(*a_, "anna@example.org");
  const Id dead = epoch_of(*a_);
  hand()->exec(("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
                "CREATE TRIGGER keep BEFORE DELETE ON writer FOR EACH ROW WHEN (old.epoch = " +
                std::to_string(dead) + ") EXECUTE FUNCTION keep(); UPDATE node SET ended = 1 WHERE epoch = " +
                std::to_string(dead) + "; DELETE FROM writer WHERE epoch = " + std::to_string(dead))
                   .c_str());
  EXPECT_EQ(run(a_->acceptance().accept(message(&anna))).status, AcceptStatus::accepted)
      << "if this fails, the other tests would pass without a fence";
}

TEST_F(ClusterContract, AMailboxIsLockedForAllNodes) {
  const Account anna = make_account(*a_, "anna@example.org");
  const auto inbox = run(a_->mailboxes().open(anna.id, "INBOX")).value();
  auto lock = run(a_->mailboxes().lock(inbox.id));
  ASSERT_TRUE(lock);
  const auto second = run(b_->mailboxes().lock(inbox.id));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  ASSERT_TRUE(run((*lock)->unlock()));
  auto third = run(b_->mailboxes().lock(inbox.id));
  ASSERT_TRUE(third);
  EXPECT_FALSE(run(a_->mailboxes().lock(inbox.id)));
  third->reset(); // without a word
  ASSERT_TRUE(run(b_->upkeep().set_setting("later", "1")));
  EXPECT_TRUE(run(a_->mailboxes().lock(inbox.id)));
}

TEST_F(ClusterContract, ALeaseIsOneNodes) {
  const auto lease = [](Store& store, int seconds) {
    return run(store.upkeep().lease("upkeep", std::chrono::seconds(seconds))).value();
  };
  EXPECT_TRUE(lease(*a_, 600));
  EXPECT_FALSE(lease(*b_, 600));
  EXPECT_TRUE(lease(*a_, 0)) << "it is kept by asking again";
  hand()->exec("SELECT pg_sleep(0.01)");
  EXPECT_TRUE(lease(*b_, 600)) << "it had run out";
  EXPECT_FALSE(lease(*a_, 600));
}

/// All that two nodes do at once is as if one had done it after the other: numbers, counters, content.
TEST_F(ClusterContract, BothWriteAtOnce) {
  const Account anna = make_account(*a_, "anna@example.org");
  constexpr int kEach = 100;
  {
    std::vector<std::jthread> nodes;
    for (Store* store : {a_.get(), b_.get()})
      for (int t = 0; t < 2; ++t)
        nodes.emplace_back([&, store] {
          for (int i = 0; i < kEach; ++i) {
            accept(*store, message(&anna));
            accept(*store, message(nullptr, "d" + std::to_string(i % 10) + ".test"));
          }
        });
  }
  const auto inbox = run(a_->mailboxes().open(anna.id, "INBOX")).value();
  EXPECT_EQ(inbox.count, 4u * kEach);
  EXPECT_EQ(inbox.uidnext, 4u * kEach + 1);
  std::size_t waiting = 0;
  const auto places = run(b_->queue().list_destinations(true)).value();
  for (const DestinationFacts& place : places) waiting += place.waiting;
  EXPECT_EQ(waiting, 4u * kEach);
}

TEST_F(ClusterContract, TheFeedIsOne) {
  Hook hook;
  hook.url = "https://hooks.example.test/";
  hook.secret = std::string(32, 's');
  ASSERT_TRUE(run(b_->feed().add_hook(hook)));
  const Account anna = make_account(*a_, "anna@example.org");
  accept(*a_, message(&anna));
  accept(*b_, message(&anna));
  const auto rows = run(a_->feed().read(0, 100)).value();
  EXPECT_GE(std::ranges::count_if(rows, [](const FeedRow& row) { return row.message.has_value(); }), 2);
  EXPECT_TRUE(std::ranges::is_sorted(rows, {}, &FeedRow::id));
  for (int tries = 0; tries < 300 && (a_->feed().last() != b_->feed().last()); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(a_->feed().last(), b_->feed().last());
}

/// A process that comes back needs not wait until it is taken for dead; a copy of its directory is no second one.
TEST_F(ClusterContract, ANodeThatComesBackEndsItsLastEpoch) {
  const TemporaryDirectory place;
  StoreOptions options;
  options.node_directory = place.path();
  options.on_fatal = [](const std::string&) {};
  auto first = open_postgres(url(), options);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(open_postgres(url(), options).error().code, Errc::conflict) << "the same directory";
  const TemporaryDirectory copy;
  std::filesystem::copy(place.path() + "/node.key", copy.path() + "/node.key");
  StoreOptions twin = options;
  twin.node_directory = copy.path();
  const auto refused = open_postgres(url(), twin);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  first->reset();
  EXPECT_TRUE(open_postgres(url(), twin));
  // One that died: nobody beats for it.
  sqlite::Db db(hand());
  const auto left = begin_epoch(db, {.name = "dead", .key = key_of(place.path()).value(), .version = {}});
  ASSERT_TRUE(left);
  EXPECT_TRUE(open_postgres(url(), options));
  EXPECT_EQ(db.number("SELECT ended FROM node WHERE id = ?", 0, *left), 1);
}

/// Nobody beats for it: in ten seconds it is taken over by who lives.
TEST_F(ClusterContract, ASilentNodeIsTakenOver) {
  sqlite::Db db(hand());
  const auto dead = begin_epoch(db, {.name = "dead", .key = {}, .version = {}});
  ASSERT_TRUE(dead);
  accept(*a_, message(nullptr, "far.test"));
  db.run("UPDATE recipient SET state = 3, owner = ?", *dead);
  Heard heard(*b_);
  EXPECT_TRUE(heard.wait(Change::Kind::queue));
  EXPECT_EQ(db.number("SELECT ended FROM node WHERE id = ?", 0, *dead), 1);
  EXPECT_EQ(claim(*b_, "far.test", 10).size(), 1u);
}

} // namespace
} // namespace paquebot::store::postgres
