#include "app/errands.h"

#include <gtest/gtest.h>
#include <semaphore>
#include <vector>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;

TEST(Errands, OneAfterTheOtherInTheirOrder) {
  std::vector<int> done;
  {
    Errands errands([] {}, 1h);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(errands.post([&done, i] { done.push_back(i); }));
    EXPECT_TRUE(errands.finish(1h));
    EXPECT_FALSE(errands.post([&done] { done.push_back(-1); }));
  }
  ASSERT_EQ(done.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(Errands, WhatIsPostedIsDoneAlsoWithoutFinish) {
  bool done = false;
  {
    Errands errands([] {}, 1h);
    errands.post([&done] { done = true; });
  }
  EXPECT_TRUE(done);
}

TEST(Errands, LooksNowAndThen) {
  std::counting_semaphore<> looked(0);
  Errands errands([&] { looked.release(); }, 1ms);
  looked.acquire();
  looked.acquire();
}

TEST(Errands, OneThatStandsStillIsTold) {
  std::binary_semaphore go(0);
  Errands errands([] {}, 1h);
  errands.post([&] { go.acquire(); });
  EXPECT_FALSE(errands.finish(1ms));
  go.release();
  EXPECT_TRUE(errands.finish(1h));
}

} // namespace
} // namespace paquebot::app
