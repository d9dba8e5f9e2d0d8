#include "queue/crew.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

using Kind = Seat::Kind;
using namespace std::chrono_literals;

class CrewTest : public testing::Test {
protected:
  void ready(const std::string& key, int jobs = 1) {
    Destination& one = all_.at(key);
    for (int i = 0; i < jobs; ++i) {
      Job job;
      job.message.klass = store::MessageClass::submitted;
      job.recipients.emplace_back();
      one.window.add(std::move(job));
    }
    all_.heat(key, one);
  }
  std::string start() { return crew_.start(terms_, nullptr).value_or(""); }

  Destinations all_;
  Seats seats_;
  Crew crew_{all_, seats_};
  Crew::Terms terms_{.total = 10, .per_destination = 2, .wall = 1000, .now = Instant(1h)};
};

TEST_F(CrewTest, ADestinationGetsNoMoreWorkersThanItMayHaveAndThanItHasJobs) {
  ready("a", 5);
  ready("b", 1);
  EXPECT_EQ(start(), "a");
  EXPECT_EQ(start(), "b");
  EXPECT_EQ(start(), "a");
  EXPECT_EQ(start(), "");
  EXPECT_EQ(crew_.working(), 3U);
  crew_.release("a", terms_.wall);
  EXPECT_EQ(start(), "a") << "there is still something";
}

TEST_F(CrewTest, OneProbeGoesWhereItFailedOnceTheRestIsOver) {
  Destination& one = all_.at("a");
  one.back_off.fail(0, 2000, "down");
  ready("a", 5);
  EXPECT_EQ(start(), "");
  terms_.wall = 2000;
  EXPECT_EQ(start(), "a");
  EXPECT_EQ(start(), "");
}

TEST_F(CrewTest, WhatIsDueInTheStoreStartsAWorkerUnlessNothingMayComeFromThere) {
  Destination& one = all_.at("a");
  one.due = 1000;
  all_.arm("a", one, terms_.wall);
  terms_.from_store = false;
  EXPECT_EQ(start(), "");
  terms_.from_store = true;
  one.claiming = true;
  EXPECT_EQ(start(), "") << "it is coming";
  one.claiming = false;
  all_.arm("a", one, terms_.wall);
  EXPECT_EQ(start(), "a");
}

TEST_F(CrewTest, WhoWaitsForItsPlaceDoesNotCount) {
  terms_.total = 1;
  ready("a");
  ready("b");
  EXPECT_EQ(start(), "a");
  EXPECT_EQ(start(), "");
  ASSERT_TRUE(crew_.pause(Kind::unknown));
  EXPECT_EQ(crew_.working(), 0U);
  EXPECT_EQ(crew_.paused(), 1U);
  EXPECT_EQ(start(), "b");
  crew_.resume(Kind::unknown);
  EXPECT_EQ(crew_.working(), 2U);
}

TEST_F(CrewTest, NoMoreThanAHalfOfThoseThatMayWaitAreStrangers) {
  terms_.total = terms_.per_destination = 2000;
  ready("a", 600);
  for (int i = 0; i < 502; ++i) ASSERT_EQ(start(), "a");
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(crew_.pause(i % 2 == 0 ? Kind::report : Kind::unknown));
  EXPECT_FALSE(crew_.pause(Kind::unknown));
  EXPECT_FALSE(crew_.pause(Kind::report));
  EXPECT_TRUE(crew_.pause(Kind::known));
  crew_.resume(Kind::report);
  EXPECT_TRUE(crew_.pause(Kind::unknown));
  EXPECT_EQ(crew_.paused(), 501U);
}

TEST_F(CrewTest, ASparedWorkerIsNotReplacedBeforeTheTimeIsOver) {
  ready("a", 5);
  EXPECT_FALSE(Crew::spare(all_.at("a"), terms_.now + 1min)) << "there is none";
  start();
  start();
  ASSERT_TRUE(Crew::spare(all_.at("a"), terms_.now + 1min));
  crew_.release("a", terms_.wall);
  EXPECT_EQ(start(), "");
  terms_.now += 1min;
  EXPECT_EQ(start(), "a");
}

TEST_F(CrewTest, AJobComesWithTheSeatThatIsLeft) {
  Destination& one = all_.at("a");
  Job report;
  report.message.klass = store::MessageClass::report;
  report.recipients.emplace_back();
  one.window.add(std::move(report));
  ready("a");
  const Seat taken = seats_.take(Kind::report); // a quarter of four
  auto job = crew_.pick("a", one, 4);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->seat.kind(), Kind::unknown);
  EXPECT_FALSE(crew_.pick("a", one, 4)) << "there is none for a report";
  EXPECT_TRUE(seats_.wanted());
  EXPECT_EQ(one.window.size(), 1U);
}

} // namespace
} // namespace paquebot::queue
