// What strangers can make us do leaves deliveries for the rest.

#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "queue/queue.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

using directory::run_task;
using Kind = Seat::Kind;

class SeatsTest : public testing::Test {
protected:
  void accept(const std::string& domain, store::MessageClass klass = store::MessageClass::submitted,
              mail::Address sender = {"s", "example.net"}) {
    Draft draft;
    draft.id = ids_.next();
    draft.klass = klass;
    draft.sender.reverse_path = std::move(sender);
    draft.head = "Subject: x\r\n\r\n";
    DraftRecipient recipient;
    recipient.recipient.address = {"a", domain};
    recipient.nodes = {{.address = "a@" + domain, .handling = store::Handling::remote}};
    draft.recipients = {recipient};
    EXPECT_EQ(run_task(queue_.accept(std::move(draft))).status, store::AcceptStatus::accepted);
  }
  void report(const std::string& domain) { accept(domain, store::MessageClass::report); }

  /// Workers until there are none, each with its seat, and the job that it gets.
  struct Worker {
    std::string key;
    Job job;
  };
  std::vector<Worker> start_all() {
    std::vector<Worker> all;
    Seat seat;
    while (auto key = queue_.start_worker(&seat)) {
      seat.leave();
      auto job = run_task(queue_.take(*key));
      if (job) all.push_back({*key, std::move(*job)});
    }
    return all;
  }
  static std::size_t count(const std::vector<Worker>& all, Kind kind) {
    return static_cast<std::size_t>(
        std::ranges::count(all, kind, [](const Worker& one) { return one.job.seat.kind(); }));
  }
  static std::string domain(int number) { return "d" + std::to_string(number) + ".example"; }

  FakeClock clock_;
  directory::TestServer server_;
  Queue queue_{server_.store(), clock_, {.workers_total = 8, .workers_per_destination = 8}};
  UlidSource ids_{clock_};
};

TEST_F(SeatsTest, ReportsGetAQuarterWhereverTheyGo) {
  queue_.standing().answered("known.example");
  for (int i = 0; i < 10; ++i) {
    report(domain(i));
    report("known.example");
  }
  auto reports = start_all();
  EXPECT_EQ(reports.size(), 2u);
  EXPECT_TRUE(queue_.crowded());
  accept("known.example");
  accept("new.example");
  auto rest = start_all(); // behind reports for the same place, too
  EXPECT_EQ(count(rest, Kind::known), 1u);
  EXPECT_EQ(count(rest, Kind::unknown), 1u);
  int woken = 0;
  queue_.on_runnable([&] { ++woken; });
  reports.clear();
  EXPECT_GT(woken, 0);
  EXPECT_EQ(count(start_all(), Kind::report), 2u);
}

/// Mail of strangers without a sender, to a return address of ours, say; what an account sends so is its own.
TEST_F(SeatsTest, WhatHasNoSenderIsAReport) {
  using enum store::MessageClass;
  const struct {
    store::MessageClass klass;
    mail::Address sender;
    Kind kind;
  } cases[] = {
      {incoming, {}, Kind::report}, {incoming, {"s", "example.net"}, Kind::known},
      {local, {}, Kind::report},    {local, {"s", "example.net"}, Kind::known},
      {report, {}, Kind::report},   {report, {"s", "example.net"}, Kind::report},
      {submitted, {}, Kind::known}, {submitted, {"s", "example.net"}, Kind::known},
  };
  int number = 0;
  for (const auto& one : cases) {
    queue_.standing().answered(domain(++number));
    accept(domain(number), one.klass, one.sender);
    const auto all = start_all();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].job.seat.kind(), one.kind) << number;
    queue_.release_worker(all[0].key);
  }
}

TEST_F(SeatsTest, PlacesThatNeverAnsweredGetAHalf) {
  for (int i = 0; i < 10; ++i) accept(domain(i));
  auto unknown = start_all();
  EXPECT_EQ(count(unknown, Kind::unknown), 4u);
  queue_.standing().answered("known.example");
  for (int i = 0; i < 10; ++i) accept("known.example");
  const auto known = start_all();
  EXPECT_EQ(count(known, Kind::known), 4u);
  EXPECT_EQ(known.size(), 4u);
}

TEST_F(SeatsTest, WhoAnswersIsKnownUntilItIsSilent) {
  for (int i = 0; i < 5; ++i) accept(domain(i));
  auto unknown = start_all();
  ASSERT_EQ(unknown.size(), 4u);
  queue_.standing().answered(domain(4)); // it waited for a seat
  const auto known = start_all();
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].key, domain(4));
  EXPECT_EQ(known[0].job.seat.kind(), Kind::known);
  queue_.standing().kept_silent(domain(4));
  EXPECT_FALSE(queue_.standing().knows(domain(4)));
  accept(domain(4));
  EXPECT_TRUE(start_all().empty());
}

TEST_F(SeatsTest, WhoFindsNoSeatTakesNoMoreOutOfTheStore) {
  constexpr std::size_t kWindow = 5, kOnce = 100; // as much comes out of the store at a time
  queue_.configure({.workers_total = 8, .workers_per_destination = 8, .window = kWindow});
  const std::string place = "waits.example";
  for (int i = 0; i < 330; ++i) accept(place);
  ASSERT_EQ(queue_.numbers().ready, kWindow);
  Seat seat;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(queue_.start_worker(&seat), place);
    seat.leave();
  }
  for (int i = 0; i < 5; ++i) accept(domain(i));
  const auto others = start_all(); // they have all seats of such places now
  EXPECT_EQ(others.size(), 4u);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(run_task(queue_.take(place))) << i;
  EXPECT_LE(queue_.numbers().ready, kWindow + kOnce + 5);
}

TEST_F(SeatsTest, WhatIsDueInTheStoreStandsInLineToo) {
  for (int i = 0; i < 4; ++i) accept(domain(i));
  auto unknown = start_all();
  ASSERT_EQ(unknown.size(), 4u);
  // One that comes out of the store while there is no seat for it.
  accept("late.example");
  run_task(queue_.orders().operate(store::QueueAction::hold, {.destination = "late.example"}, "test"));
  run_task(queue_.orders().operate(store::QueueAction::release, {.destination = "late.example"}, "test"));
  ASSERT_TRUE(run_task(queue_.load()));
  EXPECT_TRUE(start_all().empty());
  unknown.pop_back();
  const auto late = start_all();
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].key, "late.example");
}

TEST(KnownPlaces, AreBounded) {
  KnownPlaces places(100);
  for (int i = 0; i < 1000; ++i) places.add(std::to_string(i));
  EXPECT_LE(places.size(), 200u);
  EXPECT_TRUE(places.contains("999"));
  EXPECT_FALSE(places.contains("1"));
  EXPECT_FALSE(places.add("999"));
  places.remove("999");
  EXPECT_FALSE(places.contains("999"));
}

} // namespace
} // namespace paquebot::queue
