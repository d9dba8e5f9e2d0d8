#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "queue/queue.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>
#include <set>

namespace paquebot::queue {
namespace {

using directory::run_task;

Task<bool> finish(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

class QueueTest : public testing::Test {
protected:
  void SetUp() override {
    auto opened = store::open_store(home_.path().string());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    queue_ = std::make_unique<Queue>(*store_, clock_, Options{});
  }

  Ulid accept(const std::string& to, const std::string& from = "s@example.net") {
    Draft draft;
    draft.id = ids_.next();
    draft.klass = store::MessageClass::submitted;
    draft.sender.reverse_path = *mail::parse_address(from);
    draft.account = account_;
    draft.sender.priority = priority_;
    draft.sender.hold.until = hold_until_;
    draft.head = "Subject: x\r\n\r\n";
    draft.body.bytes = "hello\r\n";
    draft.body.size = 7;
    DraftRecipient recipient;
    recipient.recipient.address = *mail::parse_address(to);
    recipient.nodes = {{.address = to, .handling = store::Handling::remote}};
    draft.recipients = {recipient};
    Ulid id = draft.id;
    auto result = run_task(queue_->accept(std::move(draft)));
    EXPECT_EQ(result.status, store::AcceptStatus::accepted) << result.why;
    return id;
  }

  std::optional<Job> take(const std::string& key) { return run_task(queue_->take(key)); }

  void settle(const Job& job, store::State to, std::int64_t due = 0) {
    std::vector<store::Outcome> outcomes{
        {.message = job.message.id, .index = 0, .to = to, .due = due, .reply = mail::Told::by({250, {}, "ok"})}};
    run_task(finish(queue_->settle("far.example", std::move(outcomes), true)));
  }

  std::int64_t now() const { return millis(clock_.wall()); }

  directory::TestDirectory home_;
  FakeClock clock_;
  int priority_ = 0;            ///< of what is accepted next
  std::int64_t hold_until_ = 0; ///< the same
  store::Id account_ = 0;       ///< the same
  UlidSource ids_{clock_};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Queue> queue_;
};

TEST_F(QueueTest, AFreshMessageIsDeliveredFromMemoryAndLeavesNothingWaiting) {
  int woken = 0;
  queue_->on_runnable([&] { ++woken; });
  Ulid id = accept("a@far.example");
  EXPECT_GT(woken, 0);
  ASSERT_EQ(queue_->start_worker(), "far.example");
  auto job = take("far.example");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->message.id, id);
  ASSERT_TRUE(job->fresh);
  ASSERT_EQ(job->recipients.size(), 1u);
  EXPECT_EQ(job->recipients[0].address, "a@far.example");
  settle(*job, store::State::relayed);
  EXPECT_FALSE(take("far.example"));
  EXPECT_EQ(queue_->numbers().workers, 0u);
  EXPECT_EQ(queue_->numbers().destinations, 0u);
  auto trace = run_task(store_->trail().trace(id));
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->recipients[0].state, store::State::relayed);
}

TEST_F(QueueTest, WorkersOfADestinationAreBounded) {
  queue_->configure(Options{.workers_total = 3, .workers_per_destination = 2});
  for (int i = 0; i < 10; ++i) {
    accept("a@far.example");
    accept("a@near.example");
  }
  std::multiset<std::string> started;
  while (auto key = queue_->start_worker()) started.insert(*key);
  EXPECT_EQ(started.size(), 3u);
  EXPECT_LE(started.count("far.example"), 2u);
  EXPECT_LE(started.count("near.example"), 2u);
}

TEST_F(QueueTest, WhoeverWaitsForItsSiteHoldsUpNobody) {
  queue_->configure(Options{.workers_total = 2, .workers_per_destination = 1});
  accept("a@far.example");
  accept("a@shared.example");
  accept("a@near.example");
  Post first, second, third;
  first.destination = *queue_->start_worker(nullptr, &first.site);
  second.destination = *queue_->start_worker(nullptr, &second.site);
  EXPECT_TRUE(queue_->posts().enter(first, "mx:one"));
  EXPECT_FALSE(queue_->posts().enter(second, "mx:one")) << "its destination waits there";
  EXPECT_TRUE(queue_->crowded());
  queue_->posts().release(second);
  third.destination = *queue_->start_worker(nullptr, &third.site);
  EXPECT_EQ(third.destination, "near.example");
  ASSERT_TRUE(run_task(queue_->next(first)));
  EXPECT_TRUE(queue_->posts().wanted(first));
  EXPECT_FALSE(run_task(queue_->next(first)));
  EXPECT_TRUE(queue_->posts().move_on(first));
  EXPECT_EQ(first.destination, "shared.example");
  EXPECT_TRUE(run_task(queue_->next(first)));
  queue_->posts().release(first);
  queue_->posts().release(third);
  EXPECT_EQ(queue_->numbers().workers, 0u);
  EXPECT_TRUE(queue_->posts().sites(10).empty());
}

TEST_F(QueueTest, OneAccountsManyHoldUpNobodysSingleMessage) {
  queue_->configure(Options{.window = 200});
  account_ = 1;
  for (int i = 0; i < 1000; ++i) accept("a@far.example"); // 200 in memory, the others in the store
  account_ = 2;
  const Ulid lone = accept("b@far.example");
  ASSERT_EQ(queue_->start_worker(), "far.example");
  int before = 0;
  for (auto job = take("far.example"); job && job->message.id != lone; job = take("far.example")) ++before;
  EXPECT_LE(before, 17) << "a turn of the other lane";
  // Once only the store has something of either, it is no other.
  const Ulid second = [&] {
    run_task(queue_->orders().operate(store::QueueAction::hold, {}, "test"));
    const Ulid id = accept("b@far.example");
    run_task(queue_->orders().operate(store::QueueAction::hold, {}, "test"));
    run_task(queue_->orders().operate(store::QueueAction::release, {}, "test"));
    EXPECT_TRUE(run_task(queue_->load()));
    return id;
  }();
  before = 0;
  for (auto job = take("far.example"); job && job->message.id != second; job = take("far.example")) ++before;
  EXPECT_LE(before, 33);
}

TEST_F(QueueTest, AFailedDestinationBacksOffWithAllThatWaitsForIt) {
  accept("a@far.example");
  accept("b@far.example");
  ASSERT_TRUE(queue_->start_worker());
  auto job = take("far.example");
  ASSERT_TRUE(job);
  std::int64_t until = queue_->standing().back_off_until("far.example");
  EXPECT_GT(until, now());
  std::vector<store::Outcome> outcomes{
      {.message = job->message.id, .index = 0, .to = store::State::waiting, .due = until}};
  for (const Job& other : queue_->take_window("far.example"))
    outcomes.push_back({.message = other.message.id, .index = 0, .to = store::State::waiting, .due = until});
  EXPECT_EQ(outcomes.size(), 2u);
  run_task(finish(queue_->settle_failed("far.example", std::move(outcomes), until, "down")));
  EXPECT_FALSE(take("far.example"));
  Ulid waiting = accept("c@far.example"); // goes straight to the store
  auto trail = run_task(store_->trail().trace(waiting));
  ASSERT_TRUE(trail);
  EXPECT_NE(trail->events.at(0).detail.find("far.example is not tried before its time: down"), std::string::npos);
  EXPECT_FALSE(queue_->start_worker());
  EXPECT_EQ(queue_->numbers().ready, 0u);

  clock_.advance(std::chrono::milliseconds(until - now() + 1));
  ASSERT_EQ(queue_->start_worker(), "far.example");
  EXPECT_FALSE(queue_->start_worker()); // one probe only
  std::set<std::string> found;
  while (auto again = take("far.example")) {
    EXPECT_FALSE(again->fresh);
    found.insert(again->recipients.at(0).address);
    settle(*again, store::State::relayed);
  }
  EXPECT_EQ(found, (std::set<std::string>{"a@far.example", "b@far.example", "c@far.example"}));
}

TEST_F(QueueTest, WhatWasAcceptedWhileTheDestinationFailedIsTriedAtTheEndOfItsBackOff) {
  accept("a@far.example");
  accept("b@far.example");
  ASSERT_TRUE(queue_->start_worker());
  auto job = take("far.example");
  std::int64_t until = now() + 60'000;
  // The first one fails for good, so that nothing of it waits; the second stays in the window of a worker that ends.
  std::vector<store::Outcome> outcomes{{.message = job->message.id, .index = 0, .to = store::State::failed}};
  run_task(finish(queue_->settle_failed("far.example", std::move(outcomes), until, "down")));
  EXPECT_FALSE(take("far.example"));
  EXPECT_FALSE(queue_->start_worker());
  clock_.advance(std::chrono::milliseconds(60'001));
  ASSERT_EQ(queue_->start_worker(), "far.example");
  auto second = take("far.example");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->recipients.at(0).address, "b@far.example");
}

TEST_F(QueueTest, ADeferredMessageComesBackWhenItIsDue) {
  accept("a@far.example");
  ASSERT_TRUE(queue_->start_worker());
  auto job = take("far.example");
  ASSERT_TRUE(job);
  settle(*job, store::State::waiting, now() + 5000);
  EXPECT_FALSE(take("far.example"));
  EXPECT_FALSE(queue_->start_worker());
  EXPECT_LE(queue_->next_look().count(), 5000);
  accept("b@far.example"); // one deferred message does not hold up the others
  ASSERT_TRUE(queue_->start_worker());
  auto other = take("far.example");
  ASSERT_TRUE(other);
  EXPECT_TRUE(other->fresh);
  settle(*other, store::State::relayed);
  EXPECT_FALSE(take("far.example"));
  clock_.advance(std::chrono::seconds(6));
  ASSERT_TRUE(queue_->start_worker());
  auto again = take("far.example");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->recipients.at(0).attempts, 1u);
}

TEST_F(QueueTest, WhatDoesNotFitTheWindowWaitsInTheStoreAndNothingIsLostOrDoubled) {
  queue_->configure(Options{.window = 150});
  std::set<Ulid> sent, seen;
  for (int i = 0; i < 370; ++i) sent.insert(accept("a@far.example"));
  EXPECT_EQ(queue_->numbers().ready, 150u);
  ASSERT_TRUE(queue_->start_worker());
  while (auto job = take("far.example")) {
    EXPECT_TRUE(seen.insert(job->message.id).second);
    settle(*job, store::State::relayed);
  }
  EXPECT_EQ(seen, sent);
}

TEST_F(QueueTest, WorkInHandIsGivenBackAndFoundByTheNextQueue) {
  Ulid id = accept("a@far.example");
  run_task(finish(queue_->orders().give_back()));
  queue_ = std::make_unique<Queue>(*store_, clock_, Options{});
  ASSERT_TRUE(run_task(queue_->load()));
  ASSERT_EQ(queue_->start_worker(), "far.example");
  auto job = take("far.example");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->message.id, id);
  EXPECT_EQ(job->recipients.at(0).attempts, 0u);
}

/// Lets something happen between the reading of what is due next, or of the list of destinations, and its use.
class SlowReader final : public store::Wrapped<store::WrappedQueueStore> {
public:
  using Wrapped::Wrapped;
  Task<Result<std::int64_t>> earliest_due(std::string destination) override {
    auto due = co_await WrappedQueueStore::earliest_due(std::move(destination));
    happen();
    co_return due;
  }
  Task<Result<std::vector<store::DestinationFacts>>> list_destinations(bool with_counts) override {
    auto list = co_await WrappedQueueStore::list_destinations(with_counts);
    happen();
    co_return list;
  }
  std::function<void()> meanwhile;

private:
  void happen() {
    if (auto event = std::exchange(meanwhile, nullptr)) event();
  }
};

TEST_F(QueueTest, WhatIsAcceptedDuringAClaimIsNotForgotten) {
  SlowReader slow(*store_);
  queue_ = std::make_unique<Queue>(slow, clock_, Options{});
  accept("a@far.example");
  ASSERT_TRUE(queue_->start_worker());
  auto job = take("far.example");
  ASSERT_TRUE(job);
  settle(*job, store::State::waiting, now() + 1000);
  EXPECT_FALSE(take("far.example"));
  clock_.advance(std::chrono::seconds(2));
  slow.meanwhile = [this] { // too late for this claim
    accept("b@far.example");
  };
  ASSERT_TRUE(queue_->start_worker());
  std::set<std::string> found;
  for (bool more = true; more; more = queue_->start_worker().has_value())
    while (auto next = take("far.example")) {
      found.insert(next->recipients.at(0).address);
      settle(*next, store::State::relayed);
    }
  EXPECT_EQ(found, (std::set<std::string>{"a@far.example", "b@far.example"}));
}

TEST_F(QueueTest, WhatIsAcceptedWhileTheQueueIsLoadedIsNotForgotten) {
  SlowReader slow(*store_);
  queue_ = std::make_unique<Queue>(slow, clock_, Options{});
  accept("a@far.example");
  ASSERT_TRUE(queue_->start_worker());
  auto job = take("far.example");
  settle(*job, store::State::waiting, now() + 3'600'000);
  EXPECT_FALSE(take("far.example"));
  slow.meanwhile = [this] { // one that comes back soon
    accept("b@far.example");
    ASSERT_TRUE(queue_->start_worker());
    auto other = take("far.example");
    settle(*other, store::State::waiting, now() + 1000);
    EXPECT_FALSE(take("far.example"));
  };
  ASSERT_TRUE(run_task(queue_->load()));
  EXPECT_LE(queue_->next_look().count(), 1000);
  clock_.advance(std::chrono::seconds(2));
  ASSERT_TRUE(queue_->start_worker());
  auto again = take("far.example");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->recipients.at(0).address, "b@far.example");
}

TEST_F(QueueTest, UrgentMailOvertakesWhatIsReady) {
  std::vector<Ulid> ids;
  for (const int priority : {0, -5, 7, 0, 7}) {
    priority_ = priority;
    ids.push_back(accept("a@far.example"));
  }
  for (const std::size_t next : {2u, 4u, 0u, 3u, 1u}) {
    auto job = take("far.example");
    ASSERT_TRUE(job);
    EXPECT_EQ(job->message.id, ids[next]);
    EXPECT_EQ(job->recipients.size(), 1u);
    settle(*job, store::State::relayed);
  }
}

TEST_F(QueueTest, WhatIsHeldForLaterIsNotTakenBefore) {
  hold_until_ = now() + 5000;
  const Ulid id = accept("a@far.example");
  EXPECT_FALSE(queue_->start_worker());
  clock_.advance(std::chrono::seconds(5));
  ASSERT_EQ(queue_->start_worker().value_or(""), "far.example");
  auto job = take("far.example");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->message.id, id);
}

} // namespace
} // namespace paquebot::queue
