#include "base/fake_clock.h"
#include "delivery/deadlines.h"
#include "directory/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using directory::run_task;
using Mode = mail::DeliverBy::Mode;

class DeadlinesTest : public testing::Test {
protected:
  /// One that waits in the store for another hour, and is to arrive within a minute.
  Ulid accept(Mode mode) {
    queue::Draft draft;
    draft.id = ids_.next();
    draft.klass = store::MessageClass::submitted;
    draft.sender.reverse_path = {"s", "example.net"};
    draft.sender.deliver_by = {.mode = mode, .seconds = 60, .at = now() + 60'000};
    draft.head = "Subject: x\r\n\r\n";
    queue::DraftRecipient recipient;
    recipient.recipient.address = {"a", "far.example"};
    recipient.nodes = {{.address = "a@far.example", .handling = store::Handling::remote}};
    draft.recipients = {recipient};
    const Ulid id = draft.id;
    EXPECT_EQ(run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
    run_task(wait_an_hour(id));
    return id;
  }
  Task<bool> wait_an_hour(Ulid id) {
    std::vector<store::Outcome> outcomes{
        {.message = id, .index = 0, .to = store::State::waiting, .due = now() + 3'600'000, .attempted = false}};
    const std::string key = "far.example";
    queue_.take_window(key);
    co_await queue_.settle(key, std::move(outcomes), false);
    co_return true;
  }
  store::RecipientFacts recipient(const Ulid& id) {
    return run_task(server_.store().trail().trace(id))->recipients.at(0);
  }
  std::int64_t now() const { return millis(clock_.wall()); }

  FakeClock clock_;
  directory::TestServer server_;
  queue::Queue queue_{server_.store(), clock_, {}};
  Deadlines deadlines_{queue_, server_.store().queue(), clock_};
  UlidSource ids_{clock_};
};

TEST_F(DeadlinesTest, WhatIsLateIsReturnedOrToldOfOnce) {
  const Ulid returned = accept(Mode::give_back), told = accept(Mode::notify);
  EXPECT_EQ(run_task(deadlines_.sweep()), 0U) << "there is time";
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(run_task(deadlines_.sweep()), 2U);
  EXPECT_EQ(recipient(returned).state, store::State::failed);
  EXPECT_EQ(recipient(told).state, store::State::waiting);
  EXPECT_EQ(recipient(told).attempts, 0U) << "nothing was tried";
  EXPECT_EQ(recipient(told).due, now() + 3'540'000) << "it is tried when it would have been";
  EXPECT_EQ(run_task(deadlines_.sweep()), 0U);
}

} // namespace
} // namespace paquebot::delivery
