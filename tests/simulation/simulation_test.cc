#include "run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ostream>

namespace paquebot::simulation {
namespace {

/// Small, for each run of the tests; `make simulate` has the long form.
constexpr unsigned kMessages = 200;

Ran run(std::uint64_t seed, Planted planted = Planted::nothing) {
  return run_world({.seed = seed, .messages = kMessages, .planted = planted}, {});
}

TEST(Simulation, AFortnightBreaksNoPromise) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Ran ran = run(seed);
    EXPECT_TRUE(ran.broken.empty()) << describe(seed, ran);
    EXPECT_EQ(ran.counts.acknowledged, kMessages) << describe(seed, ran);
    EXPECT_GT(ran.counts.relayed, kMessages / 2) << describe(seed, ran);
    EXPECT_GT(ran.counts.returned, 0u) << describe(seed, ran);
    EXPECT_GT(ran.figures.kills + ran.figures.power_cuts, 0u) << describe(seed, ran);
  }
}

TEST(Simulation, TheSameSeedGivesTheSameTrace) {
  const Ran first = run(7), second = run(7);
  EXPECT_EQ(difference(first, second), "");
  EXPECT_GT(first.trace.size(), 100'000u);
  EXPECT_NE(difference(first, run(8)), "");
}

/// The world sees what it is made for: each of these is found, and as what it is.
struct Fault {
  Planted planted;
  const char* found;
  const char* or_else = found; ///< it shows so too, by what the two that have it in hand do first
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.found; }
class PlantedFault : public ::testing::TestWithParam<Fault> {};

TEST_P(PlantedFault, IsFound) {
  Ran ran;
  for (std::uint64_t seed = 1; seed <= 10 && ran.broken.empty(); ++seed) ran = run(seed, GetParam().planted);
  ASSERT_FALSE(ran.broken.empty());
  using ::testing::HasSubstr;
  EXPECT_THAT(ran.broken.front(), ::testing::AnyOf(HasSubstr(GetParam().found), HasSubstr(GetParam().or_else)));
}

INSTANTIATE_TEST_SUITE_P(Each, PlantedFault,
                         ::testing::Values(Fault{Planted::lost_outcome, "after it was recorded as relayed"},
                                           Fault{Planted::late_cancel, "though it was cancelled"},
                                           Fault{Planted::double_claim, "while it was in hand",
                                                 "after it was recorded as relayed"}));

} // namespace
} // namespace paquebot::simulation
