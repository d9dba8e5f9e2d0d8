#include "queue/lanes.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

Job job_of(store::Id account, bool by_api = false, std::uint64_t size = 100, int priority = 0) {
  Job job;
  job.message.klass = store::MessageClass::submitted;
  job.message.account = account;
  job.message.by_api = by_api;
  job.message.body.size = size;
  job.message.sender.priority = priority;
  job.recipients.emplace_back();
  return job;
}

bool any(const Job&) { return true; }

std::string order(Lanes& lanes, int count) {
  std::string accounts;
  for (int i = 0; i < count; ++i) {
    auto job = lanes.pick(any);
    accounts += job ? std::to_string(job->message.account) : "-";
  }
  return accounts;
}

TEST(Lanes, EachGetsItsTurn) {
  Lanes lanes;
  for (int i = 0; i < 100; ++i) lanes.add(job_of(1));
  lanes.add(job_of(2));
  EXPECT_EQ(lanes.size(), 101U);
  EXPECT_EQ(order(lanes, 18), "111111111111111121");
  lanes.add(job_of(3));
  EXPECT_NE(order(lanes, 17).find('3'), std::string::npos);
  EXPECT_EQ(lanes.lanes().size(), 1U);
}

TEST(Lanes, ATurnOfProgramsIsAQuarter) {
  Lanes lanes;
  for (int i = 0; i < 100; ++i) {
    lanes.add(job_of(1, true));
    lanes.add(job_of(2));
  }
  EXPECT_EQ(order(lanes, 24), "111122222222222222221111");
}

TEST(Lanes, WhatIsLargeCountsForMore) {
  Lanes lanes;
  for (int i = 0; i < 100; ++i) {
    lanes.add(job_of(1, false, 7 * 65'536)); // as eight
    lanes.add(job_of(2));
  }
  EXPECT_EQ(order(lanes, 20), "11222222222222222211");
  Lanes huge;
  huge.add(job_of(1, true, 1ULL << 40));
  EXPECT_EQ(order(huge, 2), "1-") << "in one of its turns";
}

TEST(Lanes, WhatIsUrgentGoesBeforeAllLanes) {
  Lanes lanes;
  lanes.add(job_of(1));
  lanes.add(job_of(2, false, 100, -3));
  lanes.add(job_of(3, false, 100, 2));
  lanes.add(job_of(4, false, 100, 5));
  EXPECT_EQ(order(lanes, 5), "4312-");
}

TEST(Lanes, WhatIsPutBackIsTheNextOne) {
  Lanes lanes;
  for (int i = 0; i < 3; ++i) lanes.add(job_of(1));
  lanes.add(job_of(2));
  auto job = lanes.pick([](const Job& one) { return one.message.account == 2; });
  ASSERT_TRUE(job);
  lanes.put_back(std::move(*job));
  EXPECT_EQ(order(lanes, 5), "2111-");
  EXPECT_FALSE(lanes.pick(any));
}

TEST(Lanes, AreAddedUp) {
  std::size_t all = 0;
  {
    Lanes one, other;
    one.count_in(&all);
    other.count_in(&all);
    for (int i = 0; i < 5; ++i) one.add(job_of(i));
    other.add(job_of(1));
    EXPECT_EQ(all, 6U);
    one.pick(any);
    EXPECT_EQ(all, 5U);
    one.each([](Job& job) {
      if (job.message.account == 3) job.recipients.clear();
    });
    one.drop_empty();
    EXPECT_EQ(one.size(), 3U);
    EXPECT_EQ(all, 4U);
    EXPECT_EQ(other.take_all().size(), 1U);
    EXPECT_EQ(all, 3U);
  }
  EXPECT_EQ(all, 0U);
}

} // namespace
} // namespace paquebot::queue
