#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "service/clock_keeper.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using directory::run_task;
using std::chrono::hours;
using std::chrono::seconds;

class UnreadableStore final : public store::Wrapped<store::WrappedUpkeep> {
public:
  using Wrapped::Wrapped;
  Task<Result<std::int64_t>> last_beat() override {
    if (fails) co_return fail(Errc::io, "the disk does not answer");
    co_return co_await WrappedUpkeep::last_beat();
  }
  bool fails = false;
};

class ClockKeeperTest : public testing::Test {
protected:
  void tick() {
    const auto done = [this]() -> Task<bool> {
      co_await keeper_->tick();
      co_return true;
    };
    run_task(done());
  }
  void pass(seconds time) {
    clock_.advance(time);
    tick();
  }
  void jump(hours by) { clock_.set_wall(clock_.wall() + by); }
  void restart() {
    keeper_.reset();
    trust_.emplace(clock_, [this] { return synchronised_; });
    keeper_.emplace(store_, *trust_);
    tick();
  }
  std::int64_t heartbeat() { return run_task(server_.store().upkeep().last_beat()).value_or(-1); }
  std::string setting() { return run_task(server_.store().upkeep().get_setting(store::kClockSetting)).value_or("?"); }
  std::int64_t now() const { return millis(clock_.wall()); }

  directory::TestServer server_;
  UnreadableStore store_{server_.store()};
  FakeClock clock_;
  bool synchronised_ = true;
  std::optional<ClockTrust> trust_{std::in_place, clock_, [this] { return synchronised_; }};
  std::optional<ClockKeeper> keeper_{std::in_place, store_, *trust_};
};

TEST_F(ClockKeeperTest, TheHeartbeatIsWrittenDownEachMinute) {
  tick();
  EXPECT_EQ(heartbeat(), now()) << "the first one at once";
  restart();
  pass(seconds(30));
  EXPECT_LT(heartbeat(), now());
  pass(seconds(30));
  EXPECT_EQ(heartbeat(), now());
  const std::int64_t first = now();
  pass(seconds(59));
  EXPECT_EQ(heartbeat(), first);
  pass(seconds(1));
  EXPECT_EQ(heartbeat(), now());
  EXPECT_EQ(setting(), "") << "nothing is kept of a clock that is believed";
  EXPECT_EQ(keeper_->status(), R"({"trusted":true})");
}

TEST_F(ClockKeeperTest, AWrongClockIsNotWrittenDownAndToldOf) {
  tick();
  pass(seconds(60));
  const std::int64_t right = now();
  jump(hours(400 * 24));
  pass(seconds(60));
  EXPECT_EQ(heartbeat(), right);
  EXPECT_EQ(millis(trust_->settled()), right);
  EXPECT_TRUE(keeper_->status().starts_with(R"({"trusted":false,"now":"2027-)")) << keeper_->status();
  EXPECT_TRUE(keeper_->status().contains("paquebot clock confirm"));
  restart();
  EXPECT_EQ(millis(trust_->settled()), right) << "the next run knows too";
}

TEST_F(ClockKeeperTest, WhatWasSynchronisedCountsOverRuns) {
  tick();
  pass(seconds(60));
  jump(hours(400 * 24));
  restart();
  for (int minute = 0; minute < 12 * 60; ++minute) pass(seconds(60));
  EXPECT_TRUE(setting().starts_with(std::to_string(12 * 3'600'000) + " ")) << setting();
  restart();
  for (int minute = 0; minute < 12 * 60; ++minute) pass(seconds(60));
  EXPECT_EQ(heartbeat(), now());
  EXPECT_EQ(setting(), "");
  EXPECT_EQ(trust_->settled(), clock_.wall());
}

TEST_F(ClockKeeperTest, AnOperatorEndsTheDoubt) {
  tick();
  pass(seconds(60));
  jump(hours(400 * 24));
  pass(seconds(60));
  ASSERT_TRUE(run_task(keeper_->confirm()));
  EXPECT_EQ(heartbeat(), now());
  EXPECT_EQ(setting(), "");
  restart();
  EXPECT_EQ(trust_->settled(), clock_.wall());
}

TEST_F(ClockKeeperTest, SaysWhenTheHeartbeatWasOfAClockThatWasAhead) {
  tick();
  jump(hours(20));
  pass(seconds(60)); // it is believed
  EXPECT_FALSE(keeper_->went_back());
  jump(hours(-20));
  tick();
  EXPECT_FALSE(keeper_->went_back()) << "not written yet";
  pass(seconds(60));
  EXPECT_TRUE(keeper_->went_back());
  EXPECT_FALSE(keeper_->went_back()) << "once";
  pass(seconds(60));
  EXPECT_FALSE(keeper_->went_back());
  // In doubt nothing is written until somebody says so.
  jump(hours(-50));
  pass(seconds(60));
  EXPECT_FALSE(keeper_->went_back());
  ASSERT_TRUE(run_task(keeper_->confirm()));
  EXPECT_TRUE(keeper_->went_back());
}

TEST_F(ClockKeeperTest, UntilTheStoreCanBeReadNothingIsOld) {
  store_.fails = true;
  tick();
  EXPECT_EQ(trust_->settled(), WallTime());
  EXPECT_EQ(keeper_->status(), R"({"trusted":false,"why":"the store could not be read yet"})");
  store_.fails = false;
  tick();
  EXPECT_EQ(trust_->settled(), clock_.wall());
}

} // namespace
} // namespace paquebot::service
