#include "store/sync_pace.h"

#include <gtest/gtest.h>

namespace paquebot::store {
namespace {

using std::chrono::microseconds;

TEST(SyncPace, IsTheShortestOfTheLastCommits) {
  SyncPace pace;
  EXPECT_EQ(pace.quickest(), microseconds(0));
  pace.took(microseconds(900));
  EXPECT_EQ(pace.quickest(), microseconds(900));
  pace.took(microseconds(250));
  pace.took(microseconds(7000));
  EXPECT_EQ(pace.quickest(), microseconds(250));
}

TEST(SyncPace, ForgetsWhatTheDiskWasLikeLongAgo) {
  SyncPace pace;
  pace.took(microseconds(100));
  for (int i = 0; i < 63; ++i) pace.took(microseconds(4000));
  for (int i = 0; i < 63; ++i) pace.took(microseconds(3000));
  EXPECT_EQ(pace.quickest(), microseconds(100));
  for (int i = 0; i < 65; ++i) pace.took(microseconds(3500));
  EXPECT_EQ(pace.quickest(), microseconds(3500));
}

TEST(SyncPace, StepsOfTheLogGrowWithSlowSyncs) {
  struct Case {
    microseconds sync;
    int most;
    int pages;
  };
  const Case cases[] = {
      {microseconds(0), 1024, 32},        {microseconds(200), 1024, 51},     {microseconds(1000), 1024, 256},
      {microseconds(10'000), 1024, 1024}, {microseconds::max(), 1024, 1024}, {microseconds(-5), 1024, 32},
      {microseconds(10'000), 16, 16}, // a small disk
      {microseconds(0), 16, 16},
  };
  for (const Case& c : cases) EXPECT_EQ(log_step(c.sync, c.most), c.pages) << c.sync.count() << " of " << c.most;
}

} // namespace
} // namespace paquebot::store
