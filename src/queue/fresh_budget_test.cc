#include "queue/fresh_budget.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

TEST(FreshBudget, BoundsOctetsAndJobs) {
  FreshBudget budget;
  EXPECT_TRUE(budget.fits(FreshBudget::kMostBytes));
  EXPECT_FALSE(budget.fits(FreshBudget::kMostBytes + 1));
  budget.take(FreshBudget::kMostBytes - 10);
  EXPECT_TRUE(budget.fits(10));
  EXPECT_FALSE(budget.fits(11));
  budget.give(1, FreshBudget::kMostBytes - 10);
  for (std::size_t i = 0; i < FreshBudget::kMostJobs; ++i) budget.take(0);
  EXPECT_FALSE(budget.fits(0));
  budget.give(1, 0);
  EXPECT_TRUE(budget.fits(0));
}

TEST(FreshBudget, OnlyFreshJobsCount) {
  FreshBudget budget;
  Job stored, fresh;
  auto request = std::make_shared<store::AcceptRequest>();
  request->head = std::string(100, 'x');
  request->recipients.resize(2);
  fresh.fresh = request;
  EXPECT_EQ(FreshBudget::weight(*request), 100U + 1024 + 2 * 512);
  budget.enter(stored);
  EXPECT_EQ(budget.jobs(), 0U);
  budget.enter(fresh);
  EXPECT_EQ(budget.jobs(), 1U);
  EXPECT_TRUE(budget.fits(FreshBudget::kMostBytes - FreshBudget::weight(*request)));
  EXPECT_FALSE(budget.fits(FreshBudget::kMostBytes));
  budget.leave(stored);
  budget.leave(fresh);
  EXPECT_EQ(budget.jobs(), 0U);
  EXPECT_TRUE(budget.fits(FreshBudget::kMostBytes));
}

} // namespace
} // namespace paquebot::queue
