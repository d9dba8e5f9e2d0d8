// Orders to what waits in memory, and what a queue keeps of places that failed.

#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "queue/queue.h"
#include "store/wrapped_store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>

namespace paquebot::queue {
namespace {

using directory::run_task;
using store::QueueAction;
using store::State;

constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1000;

Task<bool> ended(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

/// Lets something happen within a claim or behind a list of places, or makes a claim throw.
class OddStore final : public store::Wrapped<store::WrappedQueueStore> {
public:
  using Wrapped::Wrapped;
  Task<Result<store::Claim>> claim(std::string destination, std::int64_t now, std::size_t most) override {
    if (std::exchange(throws, false)) throw std::runtime_error("made to throw");
    auto items = co_await WrappedQueueStore::claim(std::move(destination), now, most);
    if (auto event = std::exchange(meanwhile, nullptr)) event();
    co_return items;
  }
  Task<Result<std::vector<store::DestinationFacts>>> list_destinations(bool with_counts) override {
    auto listed = co_await WrappedQueueStore::list_destinations(with_counts);
    if (auto event = std::exchange(behind_list, nullptr)) event();
    co_return listed;
  }
  std::function<void()> meanwhile, behind_list;
  bool throws = false;
};

class QueueOrders : public testing::Test {
protected:
  Ulid accept(const std::vector<std::string>& to, const std::string& from = "s@example.net") {
    Draft draft;
    draft.id = ids_.next();
    draft.sender.reverse_path = *mail::parse_address(from);
    draft.account = account_;
    draft.head = "Subject: x\r\n\r\n";
    for (const std::string& address : to) {
      DraftRecipient recipient;
      recipient.recipient.address = *mail::parse_address(address);
      recipient.nodes = {{.address = address, .handling = store::Handling::remote}};
      draft.recipients.push_back(std::move(recipient));
    }
    const Ulid id = draft.id;
    EXPECT_EQ(run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
    return id;
  }
  std::optional<Job> take() { return run_task(queue_.take("far.example")); }
  /// Nothing answers there.
  void fail_place(const Job& job, std::int64_t until, State to = State::waiting) {
    std::vector<store::Outcome> outcomes{{.message = job.message.id, .index = 0, .to = to, .due = until}};
    run_task(ended(queue_.settle_failed("far.example", std::move(outcomes), until, "450 no answer")));
  }
  /// A place that backs off, with a message that waits for it.
  void back_off(const std::string& key, std::int64_t until, const std::string& error = "450 no answer") {
    const Ulid id = accept({"x@" + key});
    ASSERT_EQ(queue_.start_worker(), key);
    ASSERT_TRUE(run_task(queue_.take(key)));
    std::vector<store::Outcome> outcomes{{.message = id, .index = 0, .to = State::waiting, .due = until}};
    run_task(ended(queue_.settle_failed(key, std::move(outcomes), until, error)));
    queue_.release_worker(key);
  }
  /// Somebody has reached the place, from within what the other context runs.
  void works(const Ulid& id) {
    std::vector<store::Outcome> outcomes{{.message = id, .index = 0, .to = State::relayed}};
    boost::asio::io_context& other = aside();
    boost::asio::co_spawn(other, queue_.settle("far.example", std::move(outcomes), true), boost::asio::detached);
    other.restart();
    other.run();
  }
  /// One for all: a thread of the store may still be within post() when the coroutine it woke has ended.
  static boost::asio::io_context& aside() {
    static boost::asio::io_context context;
    return context;
  }
  std::size_t order(QueueAction action, const store::QueueFilter& filter) {
    return run_task(queue_.orders().operate(action, filter, "an operator")).value_or(9999);
  }
  State state(const Ulid& id, std::size_t index = 0) {
    return run_task(server_.store().trail().trace(id))->recipients.at(index).state;
  }
  std::int64_t now() const { return millis(clock_.wall()); }
  static store::QueueFilter to(const std::string& destination) {
    store::QueueFilter filter;
    filter.destination = destination;
    return filter;
  }

  directory::TestServer server_;
  OddStore store_{server_.store()};
  FakeClock clock_;
  store::Id account_ = 0;
  UlidSource ids_{clock_};
  Queue queue_{store_, clock_, {}};
};

TEST_F(QueueOrders, WhatIsSuspendedIsInNoWindow) {
  const auto carry = [this](QueueAction action, store::QueueFilter filter, std::string who) {
    return queue_.orders().operate(action, std::move(filter), std::move(who));
  };
  const Ulid before = accept({"a@far.example", "b@near.example"});
  ASSERT_TRUE(run_task(server_.store().queue().suspend(
      {.of = store::Suspension::Of::domain, .name = "far.example", .who = "root", .why = "they move"})));
  ASSERT_TRUE(run_task(queue_.suspensions().attend(carry)));
  EXPECT_EQ(queue_.suspensions().in_force(), 1u);
  const Ulid after = accept({"c@far.example", "d@near.example"});
  std::set<std::string> ready;
  while (auto key = queue_.start_worker()) {
    while (auto job = run_task(queue_.take(*key)))
      for (const auto& one : job->recipients) ready.insert(one.address);
  }
  EXPECT_EQ(ready, (std::set<std::string>{"b@near.example", "d@near.example"}));
  for (const Ulid& id : {before, after})
    EXPECT_EQ(run_task(server_.store().trail().trace(id)).value().recipients.at(0).hold, store::HoldKind::suspended);
  EXPECT_EQ(queue_.suspensions().free_since(0, "x@FAR.example", "far.example"), millis(clock_.wall())) << "no delay";
  EXPECT_EQ(queue_.suspensions().free_since(0, "x@near.example", "near.example"), 0);
  ASSERT_TRUE(run_task(server_.store().queue().end_suspension(store::Suspension::Of::domain, "far.example")));
  ASSERT_TRUE(run_task(queue_.suspensions().attend(carry)));
  EXPECT_EQ(queue_.suspensions().in_force(), 0u);
  EXPECT_GT(queue_.suspensions().free_since(0, "x@far.example", "far.example"), 0) << "nor afterwards";
  ASSERT_TRUE(run_task(queue_.load()));
  EXPECT_EQ(queue_.start_worker(), "far.example");
  EXPECT_TRUE(take());
  EXPECT_TRUE(take());
}

TEST_F(QueueOrders, CancelAndHoldReachWhatWaitsInMemory) {
  const Ulid in_hand = accept({"a@far.example"});
  const Ulid waits = accept({"b@far.example"});
  const Ulid other = accept({"c@near.example"});
  ASSERT_TRUE(queue_.start_worker());
  ASSERT_EQ(take()->message.id, in_hand);
  EXPECT_EQ(order(QueueAction::cancel, to("far.example")), 1u);
  EXPECT_EQ(state(waits), State::dropped);
  EXPECT_EQ(state(in_hand), State::in_hand) << "a worker has it";
  EXPECT_EQ(state(other), State::in_hand);
  EXPECT_EQ(order(QueueAction::hold, to("near.example")), 1u);
  EXPECT_EQ(state(other), State::held);
  EXPECT_EQ(queue_.numbers().ready, 0u);
  EXPECT_FALSE(take());
}

TEST_F(QueueOrders, OnlyWhomTheOrderMeansLeavesTheWindow) {
  const Ulid id = accept({"a@far.example", "b@far.example"});
  store::QueueFilter filter;
  filter.address = "B@far.example";
  EXPECT_EQ(order(QueueAction::cancel, filter), 1u);
  EXPECT_EQ(state(id, 0), State::in_hand);
  EXPECT_EQ(state(id, 1), State::dropped);
  ASSERT_TRUE(queue_.start_worker());
  const auto job = take();
  ASSERT_TRUE(job);
  ASSERT_EQ(job->recipients.size(), 1u);
  EXPECT_EQ(job->recipients[0].address, "a@far.example");
}

TEST_F(QueueOrders, WhatAnAccountSentIsHeldInMemoryToo) {
  account_ = 7;
  const Ulid hers = accept({"a@far.example"});
  account_ = 8;
  const Ulid his = accept({"b@far.example"});
  store::QueueFilter filter;
  filter.account = 7;
  EXPECT_EQ(order(QueueAction::hold, filter), 1u);
  EXPECT_EQ(state(hers), State::held);
  ASSERT_TRUE(queue_.start_worker());
  EXPECT_EQ(take()->message.id, his);
  EXPECT_FALSE(take());
}

TEST_F(QueueOrders, RetryReachesWhatWaitsInMemoryForAPlaceThatBacksOff) {
  accept({"a@far.example"});
  const Ulid waits = accept({"b@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  const auto first = take();
  fail_place(*first, now() + 3'600'000);
  queue_.release_worker("far.example");
  EXPECT_FALSE(queue_.start_worker());
  EXPECT_EQ(order(QueueAction::retry, to("far.example")), 2u);
  ASSERT_TRUE(run_task(queue_.load()));
  ASSERT_TRUE(queue_.start_worker());
  std::set<Ulid> tried;
  while (auto job = take()) tried.insert(job->message.id);
  EXPECT_EQ(tried, (std::set<Ulid>{first->message.id, waits}));
}

TEST_F(QueueOrders, AnOrderWaitsForWhatIsJustComingOutOfTheStore) {
  const Ulid first = accept({"a@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  fail_place(*take(), now() + 1000);
  queue_.release_worker("far.example");
  const Ulid second = accept({"b@far.example"});
  ASSERT_EQ(state(second), State::waiting);
  clock_.advance(std::chrono::seconds(2));
  accept({"b@near.example"}); // one that is due in the store, and that nobody begins with while the order is under way
  ASSERT_EQ(queue_.start_worker(), "near.example");
  const auto near = run_task(queue_.take("near.example"));
  std::vector<store::Outcome> later{{.message = near->message.id, .index = 0, .to = State::waiting, .due = now() + 1}};
  run_task(ended(queue_.settle("near.example", std::move(later), true)));
  queue_.release_worker("near.example");
  clock_.advance(std::chrono::seconds(1));

  boost::asio::io_context& operators = aside();
  std::size_t changed = 9999;
  operators.restart();
  store_.meanwhile = [&] { // both are in hand for the store, and in no window yet
    boost::asio::co_spawn(operators, queue_.orders().operate(QueueAction::cancel, to("far.example"), "an operator"),
                          [&](std::exception_ptr, Result<std::size_t> done) { changed = done.value_or(9998); });
    operators.poll(); // as far as it comes now
    EXPECT_FALSE(queue_.start_worker());
  };
  ASSERT_EQ(queue_.start_worker(), "far.example");
  const auto taken = take();
  ASSERT_TRUE(taken);
  operators.run();
  EXPECT_EQ(changed, 1u) << "the one that no worker had";
  const bool turn = taken->message.id == first;
  EXPECT_EQ(state(turn ? first : second), State::in_hand);
  EXPECT_EQ(state(turn ? second : first), State::dropped);
  EXPECT_FALSE(take());
}

TEST_F(QueueOrders, AListThatWasReadBeforeAPlaceWorkedChangesNothingOfIt) {
  const Ulid first = accept({"a@far.example"});
  const Ulid second = accept({"b@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  fail_place(*take(), now() + 3'600'000);
  store_.behind_list = [&] { works(first); }; // for another worker, which was there already
  ASSERT_TRUE(run_task(queue_.load()));
  EXPECT_FALSE(queue_.standing().resting("far.example"));
  EXPECT_FALSE(queue_.standing().failing("far.example"));
  // The same when the list shows nothing that waits, and the place is forgotten meanwhile.
  const auto job = take();
  ASSERT_TRUE(job);
  fail_place(*job, now() + 3'600'000, State::failed);
  EXPECT_TRUE(queue_.standing().resting("far.example"));
  store_.behind_list = [&] {
    works(second);
    queue_.release_worker("far.example");
  };
  ASSERT_TRUE(run_task(queue_.load()));
  EXPECT_FALSE(queue_.standing().resting("far.example"));
  EXPECT_EQ(state(accept({"c@far.example"})), State::in_hand) << "it is tried at once";
}

TEST_F(QueueOrders, ANoteNamesSomeOfManyPlacesThatBackOff) {
  std::vector<std::string> to;
  for (int i = 0; i < 30; ++i) {
    const std::string key = "far" + std::to_string(i) + ".example";
    back_off(key, now() + 60'000, "450 " + std::string(500, 'x'));
    to.push_back("a@" + key);
    to.push_back("b@" + key);
  }
  const Ulid id = accept(to);
  const auto trace = run_task(server_.store().trail().trace(id));
  const std::string& note = trace->events.front().detail;
  EXPECT_LT(note.size(), 1000u);
  EXPECT_TRUE(note.contains("far0.example is not tried before its time")) << note;
  EXPECT_TRUE(note.ends_with("; nor are 27 more destinations")) << note;
  for (const auto& recipient : trace->recipients) {
    EXPECT_EQ(recipient.state, State::waiting);
    EXPECT_EQ(recipient.due, now() + 60'000);
  }
}

TEST_F(QueueOrders, ABackOffOfAClockThatWasAheadIsForgotten) {
  const Ulid id = accept({"a@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  const auto job = take();
  clock_.set_wall(from_millis(now() + kYear));
  fail_place(*job, now() + 3'600'000);
  queue_.release_worker("far.example");
  clock_.set_wall(from_millis(now() - kYear));
  EXPECT_FALSE(queue_.start_worker()) << "a year ahead";
  ASSERT_TRUE(run_task(queue_.load()));
  ASSERT_TRUE(queue_.start_worker());
  EXPECT_EQ(take()->message.id, id);
  // The same after a restart.
  clock_.set_wall(from_millis(now() + kYear));
  fail_place(*job, now() + 3'600'000);
  clock_.set_wall(from_millis(now() - kYear));
  Queue again(store_, clock_, {});
  ASSERT_TRUE(run_task(again.load()));
  ASSERT_TRUE(again.start_worker());
  EXPECT_EQ(run_task(again.take("far.example"))->message.id, id);
}

TEST_F(QueueOrders, NothingIsDueLaterThanItsMessageLives) {
  queue_.configure(Options{.schedule = {.lifetime = std::chrono::seconds(60)}});
  back_off("far.example", now() + 3'600'000);
  const Ulid id = accept({"a@far.example"});
  EXPECT_EQ(run_task(server_.store().trail().trace(id))->recipients.at(0).due, now() + 60'000);
}

TEST_F(QueueOrders, ThatAPlaceFailedIsForgottenInTheStoreOnceItWorks) {
  accept({"a@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  fail_place(*take(), now() - 1, State::failed);
  EXPECT_FALSE(take());
  EXPECT_EQ(queue_.numbers().destinations, 0u) << "nothing waits for it";
  const Ulid next = accept({"b@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  ASSERT_TRUE(take());
  EXPECT_TRUE(queue_.standing().failing("far.example")) << "as far as the store knows";
  std::vector<store::Outcome> later{{.message = next, .index = 0, .to = State::waiting, .due = now() + 1}};
  run_task(ended(queue_.settle("far.example", std::move(later), true)));
  EXPECT_FALSE(queue_.standing().failing("far.example"));
  const auto facts = run_task(server_.store().queue().list_destinations(false));
  ASSERT_EQ(facts->size(), 1u);
  EXPECT_EQ(facts->front().failures, 0u);
  EXPECT_EQ(facts->front().last_error, "");
}

TEST_F(QueueOrders, AClaimThatThrowsIsMadeAgain) {
  const Ulid id = accept({"a@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  fail_place(*take(), now() + 1000);
  queue_.release_worker("far.example");
  clock_.advance(std::chrono::seconds(2));
  store_.throws = true;
  ASSERT_TRUE(queue_.start_worker());
  EXPECT_THROW(take(), std::runtime_error);
  queue_.release_worker("far.example");
  clock_.advance(std::chrono::seconds(6));
  ASSERT_TRUE(queue_.start_worker());
  EXPECT_EQ(take()->message.id, id);
}

TEST_F(QueueOrders, AClaimTellsWhatOthersHaveFoundOut) {
  const Ulid id = accept({"a@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  const auto first = take();
  std::vector<store::Outcome> later{{.message = id, .index = 0, .to = State::waiting, .due = now() + 1000}};
  run_task(ended(queue_.settle("far.example", std::move(later), true)));
  queue_.release_worker("far.example");
  clock_.advance(std::chrono::seconds(2));
  ASSERT_TRUE(run_task(
      server_.store().queue().record({}, store::DestinationUpdate{"far.example", now() + 60'000, "450 not there"})));
  ASSERT_EQ(queue_.start_worker(), "far.example");
  EXPECT_FALSE(take()) << "it rests";
  EXPECT_TRUE(queue_.standing().resting("far.example"));
  EXPECT_EQ(queue_.standing().failures("far.example"), 1u);
  const Ulid next = accept({"b@far.example"});
  EXPECT_EQ(state(next), State::waiting);
  EXPECT_TRUE(
      run_task(server_.store().trail().trace(next))->events.front().detail.contains("before its time: 450 not there"));
  EXPECT_FALSE(queue_.start_worker());
  clock_.advance(std::chrono::seconds(60));
  ASSERT_EQ(queue_.start_worker(), "far.example");
  std::set<Ulid> tried;
  while (const auto job = take()) tried.insert(job->message.id);
  EXPECT_EQ(tried, (std::set<Ulid>{id, next}));
}

TEST_F(QueueOrders, AClaimTellsHowADestinationFaredBeforeAStart) {
  accept({"a@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  fail_place(*take(), now() + 1000);
  clock_.advance(std::chrono::seconds(2));
  Queue again(store_, clock_, {});
  ASSERT_TRUE(run_task(again.load()));
  ASSERT_TRUE(again.start_worker());
  ASSERT_TRUE(run_task(again.take("far.example")));
  EXPECT_EQ(again.standing().failures("far.example"), 1u);
}

TEST_F(QueueOrders, AClaimThatWasUnderWayWhenItWorkedAgainKnowsLess) {
  const Ulid first = accept({"a@far.example"});
  ASSERT_TRUE(queue_.start_worker());
  fail_place(*take(), now() + 1000);
  queue_.release_worker("far.example");
  clock_.advance(std::chrono::seconds(2));
  ASSERT_TRUE(queue_.start_worker());
  store_.meanwhile = [&] { works(first); };
  ASSERT_TRUE(take());
  EXPECT_FALSE(queue_.standing().failing("far.example"));
}

} // namespace
} // namespace paquebot::queue
