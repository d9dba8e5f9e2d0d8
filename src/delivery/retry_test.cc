#include "base/ulid.h"
#include "delivery/retry.h"

#include <gtest/gtest.h>
#include <set>

namespace paquebot::delivery {
namespace {

TEST(Retry, AllRecipientsOfAMessageForAPlaceAreDueTogether) {
  store::MessageFacts message;
  message.id = UlidSource().next();
  std::vector<store::RecipientFacts> recipients(100);
  for (std::uint32_t i = 0; i < recipients.size(); ++i) recipients[i].index = i;
  const queue::Schedule schedule;
  std::set<std::int64_t> moments;
  for (std::int64_t now = 1'800'000'000'000; now < 1'800'000'001'000; now += 100)
    moments.insert(due_again(schedule, message, recipients, "far.example", now));
  for (const store::RecipientFacts& one : recipients)
    moments.insert(due_again(schedule, message, {one}, "far.example", 1'800'000'000'000));
  EXPECT_LE(moments.size(), 2u) << "those that fail within a second: one moment, or it lies between them";
  recipients[7].attempts = 3;
  EXPECT_GT(due_again(schedule, message, recipients, "far.example", 1'800'000'000'000), *moments.rbegin());
}

TEST(Retry, WhatIsTriedForTheFirstTimeIsNotOld) {
  queue::Job job;
  job.message.accepted_at = 1000;
  EXPECT_EQ(judged_by(job, 5000), 5000);
  job.fresh = std::make_shared<const store::AcceptRequest>();
  EXPECT_EQ(judged_by(job, 5000), 1000);
  EXPECT_EQ(judged_by(job, 500), 500) << "in doubt";
}

} // namespace
} // namespace paquebot::delivery
