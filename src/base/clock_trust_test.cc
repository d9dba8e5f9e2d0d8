#include "base/clock_trust.h"
#include "base/fake_clock.h"

#include <gtest/gtest.h>

namespace paquebot {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class ClockTrustTest : public testing::Test {
protected:
  ClockTrustTest() { restart({.heartbeat = now() - 60'000}); }

  std::int64_t now() const { return millis(clock_.wall()); }
  void jump(hours by) { clock_.set_wall(clock_.wall() + by); }
  /// Time goes by, with a beat a minute.
  ClockTrust::Kept run(hours time) {
    ClockTrust::Kept kept;
    for (minutes gone{0}; gone < time; ++gone) {
      clock_.advance(minutes(1));
      kept = run_->beat();
    }
    return kept;
  }
  /// Another run of the server.
  void restart(const ClockTrust::Kept& kept) {
    run_.emplace(clock_, [this] { return synchronised_; });
    run_->begin(kept);
  }

  FakeClock clock_;
  bool synchronised_ = false;
  std::optional<ClockTrust> run_;
};

TEST_F(ClockTrustTest, AnOrdinaryClockIsBelieved) {
  EXPECT_TRUE(run_->state().trusted);
  const auto kept = run(hours(100));
  EXPECT_EQ(kept.heartbeat, now());
  EXPECT_EQ(run_->settled(), clock_.wall());
  clock_.advance(minutes(5));
  EXPECT_EQ(run_->settled(), clock_.wall());
}

TEST_F(ClockTrustTest, NothingIsOldBeforeItHasBegun) {
  const ClockTrust fresh(clock_);
  EXPECT_EQ(fresh.settled(), WallTime());
  EXPECT_FALSE(fresh.state().trusted);
}

TEST_F(ClockTrustTest, WithoutAHeartbeatThereIsNothingToCompareWith) {
  restart({});
  EXPECT_TRUE(run_->state().trusted);
  EXPECT_EQ(run_->settled(), clock_.wall());
}

TEST_F(ClockTrustTest, AJumpWithinARunIsDoubtedAtOnceAndItsReturnBelieved) {
  const auto before = run_->beat();
  const WallTime then = clock_.wall();
  jump(hours(400 * 24));
  EXPECT_EQ(run_->settled(), then);
  EXPECT_FALSE(run_->state().trusted);
  EXPECT_EQ(run_->state().believed, millis(then));
  const auto kept = run(hours(30));
  EXPECT_EQ(kept.heartbeat, before.heartbeat) << "a wrong time must not become the one to compare with";
  EXPECT_EQ(run_->settled(), then);
  jump(hours(-400 * 24));
  EXPECT_EQ(run_->settled(), clock_.wall());
  EXPECT_TRUE(run_->state().trusted);
}

TEST_F(ClockTrustTest, AClockThatFallsBackIsDoubtedToo) {
  run_->beat();
  jump(hours(-300 * 24));
  EXPECT_FALSE(run_->state().trusted);
  EXPECT_EQ(run_->settled(), clock_.wall()) << "never later than the clock";
}

TEST_F(ClockTrustTest, ASleepOfTheMachineIsNoJump) {
  for (int night = 0; night < 10; ++night) {
    run(hours(1));
    jump(hours(10));
    EXPECT_TRUE(run_->state().trusted);
  }
}

TEST_F(ClockTrustTest, ARestOverTheWeekendIsBelievedALongOneIsNot) {
  const auto kept = run_->beat();
  jump(hours(62));
  restart(kept);
  EXPECT_EQ(run_->settled(), clock_.wall());
  jump(hours(30));
  restart(kept);
  EXPECT_EQ(millis(run_->settled()), kept.heartbeat);
}

TEST_F(ClockTrustTest, AJumpWhileNobodyLookedEndsTheHoursInStep) {
  auto kept = run_->beat();
  jump(hours(14 * 24));
  restart(kept);
  synchronised_ = true;
  kept = run(hours(23));
  jump(hours(3 * 24));
  restart(kept);
  EXPECT_EQ(run_->state().left, hours(1)) << "a rest of three days";
  jump(hours(400 * 24));
  restart(kept);
  EXPECT_EQ(run_->state().left, hours(24));
  run(hours(2));
  EXPECT_FALSE(run_->state().trusted);
}

TEST_F(ClockTrustTest, ADaySynchronisedIsBelievedAgainAlsoInSeveralRuns) {
  auto kept = run_->beat();
  jump(hours(14 * 24));
  restart(kept);
  kept = run(hours(25));
  EXPECT_FALSE(run_->state().trusted) << "nobody keeps this clock in step";
  synchronised_ = true;
  kept = run(hours(10));
  EXPECT_EQ(run_->state().left, hours(14));
  EXPECT_TRUE(run_->state().synchronised);
  clock_.advance(hours(14));
  restart(kept);
  run(hours(13));
  EXPECT_FALSE(run_->state().trusted) << "what passed while we did not run counts for nothing";
  kept = run(hours(1));
  EXPECT_TRUE(run_->state().trusted);
  EXPECT_EQ(kept.heartbeat, now());
  EXPECT_EQ(kept.synchronised.count(), 0);
  EXPECT_EQ(run_->settled(), clock_.wall());
}

TEST_F(ClockTrustTest, AClockThatIsSetMeanwhileBeginsItsDayAnew) {
  synchronised_ = true;
  run_->beat();
  jump(hours(400 * 24));
  run(hours(20));
  jump(hours(30));
  run(hours(20));
  EXPECT_FALSE(run_->state().trusted);
  run(hours(5));
  EXPECT_TRUE(run_->state().trusted);
}

TEST_F(ClockTrustTest, ItIsSeenOnceThatTheClockWasSetBackBehindATimeThatWasUsed) {
  (void)run_->wall();
  clock_.advance(minutes(1));
  EXPECT_FALSE(run_->set_back());
  jump(hours(5));
  jump(hours(-5));
  EXPECT_FALSE(run_->set_back()) << "nobody looked meanwhile";
  jump(hours(5));
  (void)run_->wall();
  jump(hours(-5));
  EXPECT_TRUE(run_->set_back());
  EXPECT_FALSE(run_->set_back());
}

TEST_F(ClockTrustTest, AnOperatorIsBelievedAtOnce) {
  run_->beat();
  jump(hours(400 * 24));
  EXPECT_EQ(run_->confirm().heartbeat, now());
  EXPECT_EQ(run_->settled(), clock_.wall());
  EXPECT_TRUE(run_->state().trusted);
  jump(hours(-400 * 24));
  EXPECT_FALSE(run_->state().trusted) << "what was confirmed is what counts from then on";
}

} // namespace
} // namespace paquebot
