#include "net/task_group.h"
#include "net/test_support.h"

#include <gtest/gtest.h>
#include <stdexcept>

namespace paquebot::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

Task<void> finish_after(OneShot event, std::shared_ptr<int> ended) {
  co_await event.wait();
  ++*ended;
}
Task<void> fail_now() {
  throw std::runtime_error("broken");
  co_return;
}

class Group : public testing::Test {
protected:
  TaskCount count_;
  test::Loop loop_;
  std::shared_ptr<int> ended_ = std::make_shared<int>(0);
};

TEST_F(Group, WaitsForAll) {
  const OneShot first, second;
  TaskGroup group(count_);
  bool all = false;
  const auto walk = [&]() -> Task<void> {
    for (const OneShot& event : {first, second}) {
      Task<void> task = finish_after(event, ended_);
      co_await group.start(std::move(task));
    }
    const auto until = SteadyClock::now() + std::chrono::hours(1);
    all = co_await group.wait_until(until);
  };
  const auto fire = [&]() -> Task<void> {
    first.fire();
    second.fire();
    co_return;
  };
  loop_.start(walk());
  loop_.start(fire());
  loop_.run();
  EXPECT_TRUE(all);
  EXPECT_EQ(*ended_, 2);
  EXPECT_TRUE(count_.wait_idle(SteadyClock::now()));
}

TEST_F(Group, NotForEver) {
  const OneShot never;
  const auto walk = [&]() -> Task<bool> {
    TaskGroup group(count_);
    Task<void> task = finish_after(never, ended_);
    co_await group.start(std::move(task));
    const auto until = SteadyClock::now();
    const bool all = co_await group.wait_until(until);
    co_return all;
  };
  EXPECT_FALSE(loop_.run(walk()));
  EXPECT_FALSE(count_.wait_idle(SteadyClock::now()));
  never.fire(); // the task ends without its group
  loop_.run();
  EXPECT_EQ(*ended_, 1);
  EXPECT_TRUE(count_.wait_idle(SteadyClock::now()));
}

TEST_F(Group, PassesOnWhatIsThrown) {
  bool thrown = false;
  const auto walk = [&]() -> Task<void> {
    TaskGroup group(count_);
    Task<void> task = fail_now();
    co_await group.start(std::move(task));
    const auto until = SteadyClock::now() + std::chrono::hours(1);
    try {
      co_await group.wait_until(until);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
  };
  loop_.start(walk());
  loop_.run();
  EXPECT_TRUE(thrown);
}

} // namespace
} // namespace paquebot::net
