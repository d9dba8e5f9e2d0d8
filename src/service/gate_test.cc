#include "service/gate.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

TEST(Gate, BoundsInTotalAndForEachAddress) {
  Gate gate;
  GateLimits limits{.total = 3, .per_address = 2};
  EXPECT_EQ(gate.enter("a", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("a", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("a", limits), Gate::Verdict::too_many);
  EXPECT_EQ(gate.enter("b", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("c", limits), Gate::Verdict::full);
  gate.leave("a");
  gate.leave("nobody");
  EXPECT_EQ(gate.total(), 2u);
  EXPECT_EQ(gate.enter("c", limits), Gate::Verdict::welcome);
}

} // namespace
} // namespace paquebot::service
