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
  Sites sites_;
  Crew crew_{all_, seats_, sites_};
  Crew::Terms terms_{.total = 10, .per_destination = 2, .wall = 1000};
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

TEST_F(CrewTest, WhoeverFindsItsSiteFullWaitsThereAndGoesWhenThereIsRoom) {
  sites_.enter("s");
  sites_.enter("s");
  all_.at("a").site = all_.at("b").site = "s";
  ready("a");
  ready("b");
  ready("c"); // nobody knows yet where to
  std::string site = "x";
  EXPECT_EQ(crew_.start(terms_, nullptr, &site), "c");
  EXPECT_EQ(site, "");
  EXPECT_EQ(start(), "");
  EXPECT_EQ(sites_.find("s")->waiting(), 2U);
  sites_.leave("s");
  crew_.free("s", terms_.per_destination, terms_.wall);
  EXPECT_EQ(crew_.start(terms_, nullptr, &site), "a");
  EXPECT_EQ(site, "s");
  EXPECT_EQ(sites_.find("s")->workers, 2U) << "it is there already";
  EXPECT_EQ(start(), "");
}

TEST_F(CrewTest, ThePlaceThatIsKeptGoesToWhoeverHasMailOfAnotherLane) {
  terms_.per_destination = 3;
  for (int i = 0; i < 3; ++i) {
    sites_.enter("s");
    sites_.shares("s").takes_up(0);
  }
  for (const char* key : {"a", "b", "c"}) {
    all_.at(key).site = "s";
    if (key != std::string_view("c")) ready(key);
  }
  Job lone;
  lone.message.account = 4;
  lone.message.klass = store::MessageClass::submitted;
  lone.recipients.emplace_back();
  all_.at("c").window.add(std::move(lone));
  all_.heat("c", all_.at("c"));
  EXPECT_EQ(start(), "");
  EXPECT_EQ(sites_.find("s")->waiting(), 3U);
  sites_.shares("s").puts_down(0);
  sites_.leave("s");
  crew_.free("s", terms_.per_destination, terms_.wall);
  EXPECT_EQ(start(), "c") << "who has mail of the same lane waits on";
  EXPECT_EQ(start(), "");
  EXPECT_EQ(sites_.find("s")->waiting(), 2U);
}

TEST_F(CrewTest, WhoWaitsForItsSiteAndHasNothingToDoAnyMoreHoldsUpNobody) {
  sites_.enter("s");
  sites_.enter("s");
  for (const char* key : {"a", "b", "c"}) {
    all_.at(key).site = "s";
    ready(key);
  }
  EXPECT_EQ(start(), "");
  all_.at("a").window.take_all();
  all_.at("b").back_off.fail(0, 5000, "down");
  sites_.leave("s");
  crew_.free("s", terms_.per_destination, terms_.wall);
  EXPECT_EQ(start(), "c");
}

TEST_F(CrewTest, AWorkerGoesFromOneDestinationOfItsSiteToTheNext) {
  ready("a");
  ready("b");
  ASSERT_EQ(start(), "a");
  EXPECT_TRUE(crew_.move("a", "b", 2, terms_.wall));
  EXPECT_EQ(crew_.working(), 1U);
  EXPECT_EQ(all_.at("b").workers, 1U);
  EXPECT_EQ(all_.at("a").workers, 0U);
  EXPECT_FALSE(crew_.move("b", "never", 2, terms_.wall));
  all_.at("a").back_off.fail(0, 5000, "down");
  EXPECT_FALSE(crew_.move("b", "a", 2, terms_.wall)) << "it rests";
  EXPECT_EQ(crew_.working(), 1U);
}

TEST_F(CrewTest, WhereASiteHasToPauseNobodyStartsBeforeItsEnd) {
  sites_.at("s").blocked(terms_.wall, "blocked");
  all_.at("a").site = all_.at("b").site = "s";
  ready("a");
  ready("b");
  EXPECT_EQ(start(), "");
  terms_.wall = sites_.find("s")->site.learned().pause_until;
  EXPECT_EQ(sites_.first_timer(), terms_.wall);
  std::string site;
  EXPECT_EQ(crew_.start(terms_, nullptr, &site), "a");
  EXPECT_EQ(crew_.start(terms_, nullptr, &site), std::nullopt) << "one probe";
}

/// Two sites of one provider, and one of nobody's.
class ProvidedCrew : public CrewTest {
protected:
  ProvidedCrew() {
    Rule stop{.name = "stop", .text = "stop", .act = Act::pause, .lasts = 600, .examples = {}};
    sites_.throttles().configure(std::make_shared<const Providers>(
        std::vector{Provider{.name = "big", .mx = {".big"}, .connections = 1, .rules = {stop}}}));
    for (const char* key : {"a", "b", "c"}) all_.at(key).site = std::string("s") + key;
    all_.at("a").provider = all_.at("b").provider = "big";
  }
  void end(const std::string& key) {
    crew_.release(key, terms_.wall);
    sites_.leave("s" + key);
    crew_.free("s" + key, terms_.per_destination, terms_.wall);
  }
  std::string start_at_site() {
    std::string site;
    return crew_.start(terms_, nullptr, &site).value_or("");
  }
};

TEST_F(ProvidedCrew, ItsSitesShareTheConnectionsThatItLetsIn) {
  for (const char* key : {"a", "b", "c"}) ready(key, 2);
  EXPECT_EQ(start_at_site(), "a");
  EXPECT_EQ(start_at_site(), "c") << "of another one";
  EXPECT_EQ(start_at_site(), "c");
  EXPECT_EQ(start_at_site(), "");
  EXPECT_TRUE(sites_.crowded(terms_.per_destination));
  all_.at("a").window.take_all();
  end("a");
  EXPECT_EQ(start_at_site(), "b") << "another site has the place that was given up";
  EXPECT_EQ(sites_.throttles().workers("big"), 1U);
  all_.at("b").window.take_all();
  end("b");
  EXPECT_EQ(sites_.throttles().workers("big"), 0U);
}

TEST_F(ProvidedCrew, WhatStopsTheProviderStopsNobodyElseAndEndsByItself) {
  for (const char* key : {"a", "b", "c"}) ready(key);
  mail::Reply said(421, {4, 7, 0}, "stop");
  said.heard = true;
  ASSERT_TRUE(sites_.throttles().hear("big", said, {}, true, terms_.wall).acts);
  EXPECT_EQ(start_at_site(), "c");
  EXPECT_EQ(start_at_site(), "");
  EXPECT_EQ(sites_.first_timer(), terms_.wall + 600'000);
  terms_.wall += 600'000;
  EXPECT_EQ(start_at_site(), "a") << "a probe";
  EXPECT_EQ(start_at_site(), "");
  sites_.throttles().taken("big", {}, terms_.wall);
  all_.at("a").window.take_all();
  end("a");
  EXPECT_EQ(start_at_site(), "b");
}

TEST_F(ProvidedCrew, AnOrderLetsAllThatWaitGo) {
  ready("a");
  ready("b");
  mail::Reply said(421, {4, 7, 0}, "stop");
  said.heard = true;
  sites_.throttles().hear("big", said, {}, true, terms_.wall);
  EXPECT_EQ(start_at_site(), "");
  ASSERT_TRUE(sites_.throttles().forget("big"));
  crew_.free_provided(terms_.per_destination, terms_.wall);
  EXPECT_EQ(start_at_site(), "a");
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
