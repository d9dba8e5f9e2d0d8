#include "delivery/dispatcher.h"
#include "delivery/test_deliveries.h"

#include <gtest/gtest.h>
#include <optional>
#include <vector>

namespace paquebot::delivery {
namespace {

using store::State;

class DispatcherTest : public testing::Test {
protected:
  explicit DispatcherTest(queue::Options options = {})
      : all_("one.example MX 10 mx.one.example\nmx.one.example A 192.0.2.1\n"
             "two.example MX 10 mx.two.example\nmx.two.example A 192.0.2.2\n",
             std::move(options)) {}

  /// Runs until the hosts took so many contents, and to the end. `beside` goes on meanwhile.
  void deliver(std::size_t contents, std::optional<Task<void>> beside = {}) {
    const auto count = [this, contents] {
      if (all_.host("192.0.2.1").contents.size() + all_.host("192.0.2.2").contents.size() == contents)
        dispatcher_.stop();
    };
    for (const char* address : {"192.0.2.1", "192.0.2.2"}) all_.host(address).at_end = count;
    all_.loop.start(dispatcher_.run());
    if (beside) all_.loop.start(std::move(*beside));
    all_.loop.run();
    EXPECT_EQ(all_.queue.numbers().workers, 0u);
  }

  test::Deliveries all_;
  Dispatcher dispatcher_{all_.loop.executor(), all_.queue,      all_.server.store(), system_clock(),
                         all_.connector,       all_.homecoming, all_.signer,         all_.paths};
};

TEST_F(DispatcherTest, StartsAWorkerForEachDestinationAndEndsWhatItOpened) {
  const Ulid one = all_.mail.accept("a@one.example"), two = all_.mail.accept("b@two.example");
  deliver(2);
  for (const Ulid& id : {one, two}) EXPECT_EQ(all_.mail.recipient(id).state, State::relayed);
  for (const char* address : {"192.0.2.1", "192.0.2.2"}) {
    EXPECT_EQ(all_.host(address).connections, 1u);
    EXPECT_EQ(all_.host(address).quits, 1u) << "nothing is left open";
  }
}

TEST_F(DispatcherTest, WhatComesWhileItRunsWakesIt) {
  const Ulid one = all_.mail.accept("a@one.example");
  Ulid later;
  auto come = [&]() -> Task<void> {
    queue::Draft draft = all_.mail.draft("b@two.example");
    later = draft.id;
    auto accepted = co_await all_.queue.accept(std::move(draft));
    EXPECT_EQ(accepted.status, store::AcceptStatus::accepted);
  };
  deliver(2, come());
  EXPECT_EQ(all_.mail.recipient(one).state, State::relayed);
  EXPECT_EQ(all_.mail.recipient(later).state, State::relayed);
}

TEST_F(DispatcherTest, WhatIsUnderWayEndsByItself) {
  const Ulid id = all_.mail.accept("a@one.example");
  deliver(1); // it is told to stop before the host has answered
  EXPECT_EQ(all_.mail.recipient(id).state, State::relayed);
  const Ulid next = all_.mail.accept("b@one.example");
  all_.loop.start(dispatcher_.run());
  all_.loop.run();
  EXPECT_EQ(all_.mail.recipient(next).state, State::in_hand) << "nothing new is begun";
}

class OneWorker : public DispatcherTest {
protected:
  OneWorker() : DispatcherTest({.workers_total = 2, .workers_per_destination = 1}) {}
};

TEST_F(OneWorker, NoMoreWorkersThanMayBe) {
  std::vector<Ulid> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(all_.mail.accept("a@one.example"));
  deliver(5);
  for (const Ulid& id : ids) EXPECT_EQ(all_.mail.recipient(id).state, State::relayed);
  EXPECT_EQ(all_.host("192.0.2.1").connections, 1u);
}

} // namespace
} // namespace paquebot::delivery
