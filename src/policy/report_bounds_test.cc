#include "base/fake_clock.h"
#include "policy/report_bounds.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

using Answer = ReportBounds::Answer;

class ReportBoundsTest : public ::testing::Test {
protected:
  /// How many of `times` questions get this answer.
  unsigned ask(Answer wanted, Trust trust, unsigned times, bool different = false, bool known = true) {
    unsigned counted = 0;
    for (unsigned i = 0; i < times; ++i) {
      const std::string address = (different ? "x" + std::to_string(next_++) : "x") + "@far.test";
      counted += bounds.ask(address, trust, known, false, clock.now()) == wanted ? 1 : 0;
    }
    return counted;
  }
  FakeClock clock;
  ReportBounds bounds{1000};

private:
  unsigned next_ = 0;
};

TEST_F(ReportBoundsTest, EachTrustHasItsOwnBounds) {
  const struct {
    Trust trust;
    unsigned address, domain;
  } cases[] = {{Trust::forged, 2, 10}, {Trust::unknown, 20, 100}, {Trust::vouched, 20, 100}};
  for (const auto& one : cases) EXPECT_EQ(ask(Answer::go, one.trust, 300), one.address);
  for (const auto& one : cases) EXPECT_EQ(ask(Answer::go, one.trust, 300, true, false), one.domain);
  for (const auto& one : cases) EXPECT_EQ(ask(Answer::go, one.trust, 300, true, true), 300U) << "a known domain";
  clock.advance(std::chrono::hours(1));
  for (const auto& one : cases) EXPECT_EQ(ask(Answer::go, one.trust, 300), one.address);
}

TEST_F(ReportBoundsTest, WhatIsVouchedForWaitsAsLongAsThereAreNotTooMany) {
  EXPECT_EQ(ask(Answer::wait, Trust::unknown, 50), 0U);
  ASSERT_EQ(ask(Answer::go, Trust::vouched, 20), 20U);
  EXPECT_EQ(ask(Answer::wait, Trust::vouched, 300), 100U);
  EXPECT_EQ(ask(Answer::enough, Trust::vouched, 1), 1U);
  EXPECT_EQ(bounds.ask("x@far.test", Trust::vouched, true, true, clock.now()), Answer::wait) << "it waits already";
}

/// Who is named a hundred times does not use up what his neighbours may get.
TEST_F(ReportBoundsTest, OneAddressDoesNotSilenceItsDomain) {
  EXPECT_EQ(ask(Answer::go, Trust::unknown, 500, false, false), 20U);
  EXPECT_EQ(ask(Answer::go, Trust::unknown, 500, true, false), 80U);
}

TEST_F(ReportBoundsTest, DetailsMakeNoOtherAddress) {
  unsigned went = 0;
  for (unsigned i = 0; i < 50; ++i)
    went +=
        bounds.ask("Bob+" + std::to_string(i) + "@Far.test", Trust::unknown, true, false, clock.now()) == Answer::go;
  EXPECT_EQ(went, 20U);
  EXPECT_EQ(bounds.ask("bob@far.test", Trust::unknown, true, false, clock.now()), Answer::enough);
  EXPECT_EQ(bounds.ask("+bob@far.test", Trust::unknown, true, false, clock.now()), Answer::go);
}

TEST_F(ReportBoundsTest, IsBounded) {
  ask(Answer::go, Trust::unknown, 5000, true, false);
  ask(Answer::go, Trust::vouched, 5000, true);
  EXPECT_LE(bounds.size(), 1000U);
}

} // namespace
} // namespace paquebot::policy
