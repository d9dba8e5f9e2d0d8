#include "net/test_support.h"
#include "net/wheel.h"

#include <functional>
#include <gtest/gtest.h>
#include <vector>

namespace paquebot::net {
namespace {

using namespace std::chrono_literals;

struct Recorder : Wheel::Entry {
  void on_expired() override {
    ++calls;
    if (then) then();
  }
  int calls = 0;
  std::function<void()> then;
};

std::chrono::steady_clock::time_point in(std::chrono::milliseconds delay) {
  return std::chrono::steady_clock::now() + delay;
}

Task<bool> until(const int& counter, int wanted) {
  while (counter < wanted) co_await sleep_for(10ms);
  co_return true;
}

TEST(Wheel, TellsOnEveryTickAfterTheDeadline) {
  test::Loop loop;
  Recorder entry;
  loop.wheel().set(entry, in(1ms));
  EXPECT_TRUE(loop.run(until(entry.calls, 3)));
}

TEST(Wheel, PastDeadlinesAreTold) {
  test::Loop loop;
  Recorder entry;
  loop.wheel().set(entry, in(-1h));
  EXPECT_TRUE(loop.run(until(entry.calls, 1)));
}

/// As by a connection whose peer sends an octet now and then: each time the same deadline is set again.
Task<bool> set_until_told(Wheel& wheel, Recorder& entry) {
  const auto deadline = in(0ms);
  for (int i = 0; i < 200 && entry.calls == 0; ++i) {
    wheel.set(entry, deadline);
    co_await sleep_for(20ms);
  }
  co_return entry.calls > 0;
}

TEST(Wheel, ALoneHookThatIsSetAgainAndAgainIsTold) {
  for (const auto phase : {0ms, 60ms, 120ms, 180ms}) {
    test::Loop loop;
    EXPECT_TRUE(loop.run([](Wheel& wheel, std::chrono::milliseconds wait) -> Task<bool> {
      co_await sleep_for(wait);
      Recorder entry;
      co_return co_await set_until_told(wheel, entry);
    }(loop.wheel(), phase)));
  }
}

TEST(Wheel, RemovedAndLaterOnesAreNotTold) {
  test::Loop loop;
  Recorder gone, later, moved, due;
  loop.wheel().set(gone, in(0ms));
  loop.wheel().set(later, in(64s)); // the same slot as now, one turn later
  loop.wheel().set(moved, in(0ms));
  loop.wheel().set(moved, std::chrono::steady_clock::time_point::max());
  loop.wheel().set(due, in(300ms));
  Wheel::remove(gone);
  Wheel::remove(gone);
  EXPECT_TRUE(loop.run(until(due.calls, 2)));
  EXPECT_EQ(gone.calls, 0);
  EXPECT_EQ(later.calls, 0);
  EXPECT_EQ(moved.calls, 0);
}

TEST(Wheel, StopsTickingWhenEmpty) {
  test::Loop loop;
  Recorder entry;
  entry.then = [&] { Wheel::remove(entry); };
  loop.wheel().set(entry, in(0ms));
  loop.run(); // returns only when no timer is left
  EXPECT_EQ(entry.calls, 1);
  loop.wheel().set(entry, in(0ms));
  loop.run();
  EXPECT_EQ(entry.calls, 2);
}

TEST(Wheel, HooksMayChangeEachOtherWhileTold) {
  test::Loop loop;
  auto second = std::make_unique<Recorder>();
  Recorder first, third;
  const auto when = in(10ms);
  first.then = [&] {
    second.reset();
    Wheel::remove(first);
    loop.wheel().set(third, in(0ms));
  };
  loop.wheel().set(first, when);
  loop.wheel().set(*second, when);
  loop.wheel().set(third, in(1h));
  EXPECT_TRUE(loop.run(until(third.calls, 1)));
  EXPECT_EQ(first.calls, 1);
}

TEST(Wheel, HooksMayOutliveIt) {
  Recorder entry;
  {
    test::Loop loop;
    loop.wheel().set(entry, in(1h));
  }
  EXPECT_EQ(entry.calls, 0);
}

TEST(Wheel, ManyHooks) {
  test::Loop loop;
  std::vector<std::unique_ptr<Recorder>> entries;
  int told = 0;
  for (int i = 0; i < 5000; ++i) {
    auto& entry = entries.emplace_back(std::make_unique<Recorder>());
    entry->then = [&told, h = entry.get()] {
      ++told;
      Wheel::remove(*h);
    };
    loop.wheel().set(*entry, in(std::chrono::milliseconds(i % 700)));
  }
  loop.run();
  EXPECT_EQ(told, 5000);
}

} // namespace
} // namespace paquebot::net
