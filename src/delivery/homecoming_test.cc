#include "base/fake_clock.h"
#include "delivery/homecoming.h"
#include "directory/test_server.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using directory::run_task;

/// Some of its content is gone.
class HeadlessStore final : public store::Wrapped<store::WrappedContentStore> {
public:
  using Wrapped::Wrapped;
  Task<Result<std::string>> read_head(store::Id head) override {
    if (gone) co_return fail(Errc::not_found, "the head is gone");
    co_return co_await WrappedContentStore::read_head(head);
  }
  bool gone = false;
};

Task<bool> take_in_one_job(Homecoming& homecoming, std::string key, queue::Job job) {
  co_await homecoming.take_in(std::move(key), std::move(job));
  co_return true;
}

class HomecomingTest : public testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(run_task(server_.store().directory().add_domain("example.org"))); }

  /// A message that waits for the domain as if it were somebody else's.
  void queue_for_home(const std::string& to) {
    queue::Draft draft;
    draft.id = ids_.next();
    draft.sender.reverse_path = {"s", "far.example"};
    draft.head = "Subject: x\r\n\r\n";
    draft.body.bytes = "hello\r\n";
    draft.body.size = 7;
    queue::DraftRecipient recipient;
    recipient.recipient.address = *mail::parse_address(to);
    recipient.nodes = {{.address = to, .handling = store::Handling::remote}};
    draft.recipients = {recipient};
    ASSERT_EQ(run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
  }

  Task<bool> take_in_all() {
    auto key = queue_.start_worker();
    if (!key) co_return false;
    for (;;) {
      std::string name = *key;
      auto job = co_await queue_.take(name);
      if (!job) co_return true;
      co_await homecoming_.take_in(name, std::move(*job));
    }
  }

  void release() {
    store::QueueFilter all;
    ASSERT_EQ(run_task(server_.store().queue().operate(store::QueueAction::release, all, "test",
                                                       millis(system_clock().wall())))
                  .value_or(0),
              1u);
    ASSERT_TRUE(run_task(queue_.load()));
  }

  /// From memory into the store.
  void give_back() {
    const auto done = [this]() -> Task<bool> {
      co_await queue_.orders().give_back();
      co_return true;
    };
    run_task(done());
    ASSERT_TRUE(run_task(queue_.load()));
  }

  directory::TestServer server_;
  HeadlessStore store_{server_.store()};
  queue::Queue queue_{store_, system_clock(), {}};
  Homecoming homecoming_{queue_, store_, server_.directory(), system_clock()};
  UlidSource ids_;
};

TEST_F(HomecomingTest, WhatIsHeldAgainAndAgainIsTakenInAtTheEnd) {
  queue_for_home("postmaster@example.org"); // nobody owns it yet
  ASSERT_TRUE(run_task(take_in_all()));
  release();
  ASSERT_TRUE(run_task(take_in_all()));
  store::Account ann = server_.account("ann@example.org");
  release();
  ASSERT_TRUE(run_task(take_in_all()));
  auto inbox = run_task(server_.store().mailboxes().open(ann.id, "INBOX"));
  ASSERT_TRUE(inbox);
  EXPECT_EQ(inbox->count, 1u);
}

TEST_F(HomecomingTest, ADamagedStoreIsNoRecipientsFault) {
  server_.account("ann@example.org");
  queue_for_home("ann@example.org");
  give_back();
  store_.gone = true;
  ASSERT_TRUE(run_task(take_in_all()));
  const auto waits = run_task(server_.store().queue().list({}, std::nullopt, 10));
  ASSERT_EQ(waits->size(), 1u);
  const store::RecipientFacts& ann = waits->front().recipients.at(0);
  EXPECT_EQ(ann.state, store::State::waiting);
  EXPECT_EQ(ann.last_reply.own.code, 451) << ann.last_reply.to_string();
  EXPECT_EQ(ann.attempts, 1u);
}

/// With what waits for it, a domain is added before its accounts can be.
TEST(HomecomingToANewDomain, WhoeverIsNotThereYetIsWaitedFor) {
  FakeClock clock;
  clock.set_wall(system_clock().wall());
  directory::TestServer server({.hostname = "mx.example.org", .new_domain_grace = std::chrono::hours(1)}, clock);
  queue::Queue queue(server.store(), clock, {});
  Homecoming homecoming(queue, server.store(), server.directory(), clock);
  UlidSource ids;
  queue::Draft draft;
  const Ulid id = draft.id = ids.next();
  draft.sender.reverse_path = {"s", "far.example"};
  draft.head = "Subject: x\r\n\r\n";
  for (const char* to : {"ann@example.org", "typo@example.org"}) {
    queue::DraftRecipient recipient;
    recipient.recipient.address = *mail::parse_address(to);
    recipient.nodes = {{.address = to, .handling = store::Handling::remote}};
    draft.recipients.push_back(std::move(recipient));
  }
  ASSERT_EQ(run_task(queue.accept(std::move(draft))).status, store::AcceptStatus::accepted);
  server.domain("example.org");
  const auto take_in = [&] {
    const auto key = queue.start_worker();
    ASSERT_TRUE(key);
    while (auto job = run_task(queue.take(*key))) run_task(take_in_one_job(homecoming, *key, std::move(*job)));
  };
  const auto states = [&] {
    std::vector<store::State> all;
    const store::Trace trace = run_task(server.store().trail().trace(id)).value();
    for (const auto& recipient : trace.recipients) all.push_back(recipient.state);
    return all;
  };
  using enum store::State;
  take_in();
  EXPECT_EQ(states(), (std::vector{waiting, waiting}));
  EXPECT_EQ(run_task(server.store().trail().trace(id)).value().recipients[0].last_reply.own.code, 450);
  const store::Account ann = server.account("ann@example.org");
  clock.advance(std::chrono::minutes(61));
  ASSERT_TRUE(run_task(queue.load()));
  take_in();
  EXPECT_EQ(states(), (std::vector{expanded, failed}));
  EXPECT_EQ(run_task(server.store().mailboxes().open(ann.id, "INBOX")).value().count, 1u);
}

} // namespace
} // namespace paquebot::delivery
