#include "base/fake_clock.h"
#include "intake/patience.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

TEST(Patience, LastsADay) {
  using namespace std::chrono_literals;
  Patience patience;
  const Instant begin{};
  EXPECT_FALSE(patience.is_over("a", begin));
  for (int hour = 1; hour <= 24; ++hour) EXPECT_FALSE(patience.is_over("a", begin + hour * 1h)) << hour;
  EXPECT_TRUE(patience.is_over("a", begin + 25h));
  EXPECT_FALSE(patience.is_over("b", begin + 25h));
  EXPECT_FALSE(patience.is_over("a", begin + 25h + 8 * 24h)); // forgotten meanwhile
  for (std::size_t i = 0; i < Patience::kMost + 10; ++i) patience.is_over("x" + std::to_string(i), begin + 26h);
  EXPECT_FALSE(patience.is_over("b", begin + 36h));
  EXPECT_FALSE(patience.is_over("b", begin + 47h));
  EXPECT_TRUE(patience.is_over("b", begin + 50h)); // who makes up names makes nobody begin anew
}

/// Monday's message came through at its second try, or its sender gave up; Wednesday's meets a trouble of its own.
TEST(Patience, IsForTriesWithoutAPauseOfHalfADayAndUntilOneIsJudged) {
  using namespace std::chrono_literals;
  Patience patience;
  const Instant begin{};
  EXPECT_FALSE(patience.is_over("a", begin));
  EXPECT_FALSE(patience.is_over("a", begin + 20min));
  EXPECT_FALSE(patience.is_over("a", begin + 48h));
  for (int hour = 48; hour < 72; hour += 6) EXPECT_FALSE(patience.is_over("a", begin + hour * 1h));
  patience.forget("b");
  EXPECT_TRUE(patience.is_over("a", begin + 73h));
  patience.forget("a");
  EXPECT_FALSE(patience.is_over("a", begin + 74h));
}

class PatienceRows : public testing::Test {
protected:
  using Rows = std::vector<std::pair<std::string, std::string>>;
  Rows take(Patience& patience) { return patience.take_changes(100, clock_.now(), clock_.wall()); }
  bool comes(Patience& patience, const char* who) { return patience.is_over(who, clock_.now()); }
  void load(Patience& patience, const Rows& rows) {
    for (const auto& [key, row] : rows) patience.load(key, row, clock_.now(), clock_.wall());
  }
  /// Of one who has come for 20 hours.
  Rows waited(const char* who) {
    Patience patience;
    for (int tries = 0; tries < 3; ++tries, clock_.advance(std::chrono::hours(tries < 3 ? 10 : 0)))
      EXPECT_FALSE(comes(patience, who));
    return take(patience);
  }
  FakeClock clock_;
};

TEST_F(PatienceRows, OutliveTheProcess) {
  using namespace std::chrono_literals;
  const Rows rows = waited("victim.test\nann@victim.test\n192.0.2.1");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].first.find_first_not_of("0123456789abcdef"), std::string::npos) << rows[0].first;
  clock_.advance(11h); // nobody could come meanwhile: that is no waiting
  Patience patience;
  EXPECT_FALSE(comes(patience, "other"));
  load(patience, rows);
  EXPECT_FALSE(comes(patience, "victim.test\nann@victim.test\n192.0.2.1"));
  clock_.advance(4h);
  EXPECT_FALSE(comes(patience, "victim.test\nann@victim.test\n192.0.2.1"));
  clock_.advance(1s);
  EXPECT_TRUE(comes(patience, "victim.test\nann@victim.test\n192.0.2.1"));
  EXPECT_FALSE(comes(patience, "other"));
}

TEST_F(PatienceRows, CountForOneWhoCameBeforeTheyWereRead) {
  const Rows rows = waited("ann");
  Patience patience;
  EXPECT_FALSE(comes(patience, "ann"));
  load(patience, rows);
  clock_.advance(std::chrono::hours(5));
  EXPECT_TRUE(comes(patience, "ann"));
}

TEST_F(PatienceRows, AreWrittenOfThoseWhoComeAgainAndSeldom) {
  using namespace std::chrono_literals;
  Patience patience;
  EXPECT_FALSE(comes(patience, "once"));
  for (int minute = 0; minute < 120; ++minute, clock_.advance(1min)) EXPECT_FALSE(comes(patience, "ann"));
  EXPECT_EQ(take(patience).size(), 1u);
  EXPECT_TRUE(take(patience).empty());
  clock_.advance(28min);
  EXPECT_FALSE(comes(patience, "ann"));
  EXPECT_TRUE(take(patience).empty());
  clock_.advance(1min);
  EXPECT_FALSE(comes(patience, "ann"));
  const Rows rows = take(patience);
  ASSERT_EQ(rows.size(), 1u);
  patience.put_back(rows[0].first);
  EXPECT_EQ(take(patience), rows);
}

TEST_F(PatienceRows, OfNobodyGoAway) {
  using namespace std::chrono_literals;
  const Rows rows = waited("ann");
  const std::string key = rows.at(0).first;
  for (const std::string row : {"", "x", "5", "5 ", "-1 5", "5 -1", "5 5 5", "99999999999999999999 1"}) {
    Patience patience;
    load(patience, {{key, row}});
    EXPECT_EQ(take(patience), Rows({{key, ""}})) << row;
    EXPECT_FALSE(comes(patience, "ann"));
  }
  Patience patience;
  load(patience, {{"short", rows[0].second}});
  EXPECT_EQ(take(patience), Rows({{"short", ""}}));
  load(patience, rows);
  clock_.advance(8 * 24h);
  EXPECT_FALSE(comes(patience, "ann")) << "forgotten meanwhile";
  EXPECT_TRUE(take(patience).at(0).second.starts_with("0 ")) << "it begins anew";
  Patience later;
  load(later, rows);
  EXPECT_EQ(take(later), Rows({{key, ""}}));
  clock_.set_wall(clock_.wall() - 30 * 24h);
  Patience earlier; // by a calendar that went back
  load(earlier, rows);
  EXPECT_TRUE(take(earlier).empty());
  clock_.advance(5h);
  EXPECT_TRUE(comes(earlier, "ann"));
}

TEST_F(PatienceRows, AreBounded) {
  Patience patience;
  for (std::size_t i = 0; i < Patience::kMost; ++i) patience.is_over("x" + std::to_string(i), clock_.now());
  const Rows rows = waited("one too many");
  load(patience, rows);
  EXPECT_EQ(take(patience), Rows({{rows.at(0).first, ""}}));
}

} // namespace
} // namespace paquebot::intake
