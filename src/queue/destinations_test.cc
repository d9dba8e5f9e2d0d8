#include "queue/changes.h"
#include "queue/destinations.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

using Kind = Seat::Kind;

Job plain_job(store::MessageClass klass = store::MessageClass::submitted) {
  Job job;
  job.message.klass = klass;
  job.recipients.emplace_back();
  return job;
}

TEST(Destinations, ATimerIsAtTheLaterOfWhatIsDueAndTheEndOfItsRest) {
  Destinations all;
  Destination& one = all.at("a");
  EXPECT_FALSE(all.arm("a", one, 0)) << "nothing is due";
  EXPECT_EQ(all.first_timer(), kNever);
  one.due = 100;
  EXPECT_TRUE(all.arm("a", one, 0));
  EXPECT_FALSE(all.arm("a", one, 0));
  EXPECT_EQ(all.first_timer(), 100);
  one.back_off.fail(0, 300, "down");
  all.arm("a", one, 0);
  EXPECT_EQ(all.first_timer(), 300);
  Destination& other = all.at("b");
  other.due = 200;
  all.arm("b", other, 0);
  EXPECT_FALSE(all.ring(199));
  EXPECT_EQ(all.ring(400), "b");
  EXPECT_EQ(all.ring(400), "a");
  EXPECT_FALSE(all.ring(400)) << "each once";
  EXPECT_TRUE(all.arm("a", one, 0)) << "until it is armed again";
}

TEST(Destinations, WhatIsReadyWaitsForTheEndOfTheRestToo) {
  Destinations all;
  Destination& one = all.at("a");
  one.window.add(plain_job());
  one.back_off.fail(0, 300, "down");
  all.arm("a", one, 0);
  EXPECT_EQ(all.first_timer(), 300);
  all.arm("a", one, 300);
  EXPECT_EQ(all.first_timer(), kNever) << "it needs no timer then";
}

TEST(Destinations, StandsOnceInTheLineOfItsBestSeat) {
  Destinations all;
  Destination& one = all.at("a");
  all.heat("a", one);
  EXPECT_EQ(all.in_line(Kind::unknown), 0U) << "nothing is ready";
  one.window.add(plain_job(store::MessageClass::report));
  all.heat("a", one);
  all.heat("a", one);
  EXPECT_EQ(all.in_line(Kind::report), 1U);
  one.window.add(plain_job());
  all.heat("a", one);
  EXPECT_EQ(all.in_line(Kind::unknown), 1U);
  all.known().add("a");
  all.heat("a", one);
  EXPECT_EQ(all.in_line(Kind::known), 1U);
  EXPECT_EQ(all.leave_line(Kind::known), "a");
  all.heat("a", one);
  EXPECT_EQ(all.in_line(Kind::known), 1U) << "it may come again";
  EXPECT_TRUE(all.is_known("route:smart")) << "that is configured";
}

TEST(Destinations, OneThatIsIdleIsForgottenButNotThatItFailed) {
  Destinations all;
  Destination& one = all.at("a");
  one.due = 100;
  all.arm("a", one, 0);
  one.back_off.fail(0, 300, "down");
  all.forget_if_idle("a");
  ASSERT_TRUE(all.find("a")) << "something waits";
  one.due = kNever;
  one.workers = 1;
  all.forget_if_idle("a");
  ASSERT_TRUE(all.find("a")) << "somebody is there";
  one.workers = 0;
  one.changing = 1;
  all.forget_if_idle("a");
  ASSERT_TRUE(all.find("a")) << "a change of it is under way";
  one.changing = 0;
  all.line_up("a", one, Kind::known);
  all.forget_if_idle("a");
  ASSERT_TRUE(all.find("a")) << "it stands in a line";
  all.leave_line(Kind::known);
  all.forget_if_idle("a");
  EXPECT_FALSE(all.find("a"));
  EXPECT_EQ(all.first_timer(), kNever);
  EXPECT_TRUE(all.failing("a"));
  EXPECT_FALSE(all.failing("b"));
  EXPECT_TRUE(all.forgive("a"));
  EXPECT_FALSE(all.failing("a"));
}

TEST(Changes, WhatIsReadWhileABackOffChangesIsOlder) {
  Destinations all;
  Changes changes;
  Destination& one = all.at("a");
  changes.begin("a", one);
  changes.begin_listing();
  EXPECT_TRUE(changes.newer("a", &one)) << "the store may not know it yet";
  changes.end("a", one);
  EXPECT_TRUE(changes.newer("a", &one)) << "it may have been read before";
  EXPECT_TRUE(changes.newer("a", nullptr)) << "even if it was forgotten since";
  changes.begin_listing();
  changes.end_listing();
  EXPECT_TRUE(changes.newer("a", &one)) << "the first one still reads";
  changes.end_listing();
  EXPECT_FALSE(changes.newer("a", &one));
}

TEST(Changes, AClaimSeesWhetherABackOffChangedSinceItBegan) {
  Destination one;
  Changes changes;
  Changes::begin_claim(one);
  EXPECT_FALSE(one.changed);
  changes.begin("a", one);
  EXPECT_TRUE(one.changed);
  Changes::begin_claim(one);
  EXPECT_TRUE(one.changed) << "the store may not know it yet";
  changes.end("a", one);
  Changes::begin_claim(one);
  EXPECT_FALSE(one.changed);
}

} // namespace
} // namespace paquebot::queue
