#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "service/rounds.h"
#include "store/wrapped_store.h"

#include <gtest/gtest.h>
#include <stdexcept>
#include <utility>

namespace paquebot::service {
namespace {

using namespace std::chrono_literals;
using By = Round::By;
using Names = std::vector<std::string>;

/// Says whose the work is, as a store does that other nodes use too.
class Leases final : public store::Wrapped<store::WrappedUpkeep> {
public:
  using Wrapped::Wrapped;
  Task<Result<bool>> lease(std::string name, std::chrono::seconds time) override {
    asked.push_back(name);
    EXPECT_EQ(time, Rounds::kLease);
    if (broken) co_return fail(Errc::io, "the disk does not answer");
    co_return ours;
  }
  Names asked;
  bool ours = true, broken = false;
};

class RoundsTest : public testing::Test {
protected:
  Round round(const std::string& name, std::chrono::milliseconds first, std::chrono::milliseconds period,
              By by = By::each) {
    return {name, first, period, by, [this, name] { return note(name); }};
  }
  Task<void> note(std::string name) {
    done_.push_back(std::move(name));
    clock_.advance(takes_);
    co_return;
  }
  /// What is done in the turn after so long.
  Names turn(Rounds& rounds, std::chrono::milliseconds later = 0ms) {
    clock_.advance(later);
    done_.clear();
    const auto whole = [](Rounds& table) -> Task<bool> {
      co_await table.turn();
      co_return true;
    };
    directory::run_task(whole(rounds));
    return done_;
  }

  FakeClock clock_;
  directory::TestServer server_;
  Leases store_{server_.store()};
  Names done_;
  std::chrono::milliseconds takes_{0};
};

TEST_F(RoundsTest, EachInItsTimeAndInTheOrderOfTheTable) {
  Rounds rounds(store_, clock_, {round("each-turn", 0s, 0s), round("often", 0s, 5s), round("seldom", 1s, 10s)});
  EXPECT_EQ(turn(rounds), (Names{"each-turn", "often"}));
  EXPECT_EQ(turn(rounds, 999ms), Names{"each-turn"});
  EXPECT_EQ(turn(rounds, 1ms), (Names{"each-turn", "seldom"}));
  EXPECT_EQ(turn(rounds, 4s), (Names{"each-turn", "often"}));
  EXPECT_EQ(turn(rounds, 6s), (Names{"each-turn", "often", "seldom"}));
  EXPECT_TRUE(store_.asked.empty());
}

TEST_F(RoundsTest, RestsAfterOneThatTookLong) {
  Rounds rounds(store_, clock_, {round("long", 0s, 10s)});
  takes_ = 1min;
  EXPECT_EQ(turn(rounds), Names{"long"});
  EXPECT_EQ(turn(rounds, 9s), Names{});
  EXPECT_EQ(turn(rounds, 1s), Names{"long"});
}

TEST_F(RoundsTest, OneNodeDoesItForAll) {
  Rounds rounds(store_, clock_, {round("upkeep", 0s, 10s, By::one), round("saving", 0s, 10s)});
  EXPECT_EQ(turn(rounds), (Names{"upkeep", "saving"}));
  EXPECT_EQ(store_.asked, Names{"upkeep"}); // each by its name
  EXPECT_EQ(turn(rounds, 1s), Names{});
  EXPECT_EQ(store_.asked.size(), 1u); // only when it is due
  store_.ours = false;
  EXPECT_EQ(turn(rounds, 10s), Names{"saving"});
  store_.broken = true;
  EXPECT_EQ(turn(rounds, 10s), Names{"saving"});
  EXPECT_EQ(store_.asked.size(), 3u);
}

TEST_F(RoundsTest, WhatIsUrgentDoesNotWait) {
  bool urgent = false;
  Round round = this->round("suspects", 10s, 10s);
  round.urged = [&] { return std::exchange(urgent, false); };
  Rounds rounds(store_, clock_, {round});
  EXPECT_EQ(turn(rounds), Names{});
  urgent = true;
  EXPECT_EQ(turn(rounds), Names{"suspects"});
  EXPECT_EQ(turn(rounds, 9s), Names{}); // and then its time begins anew
  EXPECT_EQ(turn(rounds, 1s), Names{"suspects"});
}

TEST_F(RoundsTest, AFaultOfOneIsNoneOfTheOthers) {
  Round broken = round("broken", 0s, 10s);
  broken.work = []() -> Task<void> {
    throw std::runtime_error("our own bug");
    co_return;
  };
  Rounds rounds(store_, clock_, {broken, round("next", 0s, 10s)});
  EXPECT_EQ(turn(rounds), Names{"next"});
  EXPECT_EQ(turn(rounds, 10s), Names{"next"});
}

} // namespace
} // namespace paquebot::service
