// Whose work is claimed, and what is known of where it goes.
#include "store/test_contract.h"

#include <algorithm>
#include <vector>

namespace paquebot::store {
namespace {

constexpr std::int64_t kAnHour = 3600 * 1000;

TEST_P(StoreContract, NoLaneWaitsBehindAllOfAnother) {
  for (int i = 0; i < 30; ++i) {
    AcceptRequest one = message();
    one.recipients = {to_remote("a@far.example", "far.example")};
    one.recipients[0].due = i;
    accepted(one);
  }
  std::vector<Ulid> alone;
  for (int i = 0; i < 2; ++i) {
    AcceptRequest lone = message();
    lone.by_api = true; // another lane
    lone.recipients = {to_remote("b@far.example", "far.example")};
    accepted(lone);
    alone.push_back(lone.id);
  }
  const Claim first = run(store().queue().claim("far.example", now(), 10)).value();
  EXPECT_EQ(first.lanes.size(), 2u);
  EXPECT_FALSE(first.many);
  EXPECT_EQ(first.items.size(), 10u) << "what one lane does not have goes to the other";
  for (const Ulid& id : alone)
    EXPECT_TRUE(std::ranges::any_of(first.items, [&](const WorkItem& item) { return item.message.id == id; }));
  const Claim second = run(store().queue().claim("far.example", now(), 10)).value();
  EXPECT_EQ(second.lanes.size(), 1u);
  EXPECT_EQ(second.items.size(), 10u);
  EXPECT_TRUE(run(store().queue().claim("far.example", 25, 100)).value().items.size() < 10u) << "not before its time";
  EXPECT_TRUE(run(store().upkeep().verify()).value().empty());
}

TEST_P(StoreContract, WhatWaitsIsMovedToAnotherSource) {
  AcceptRequest one = message();
  one.recipients = {to_remote("a@far.example", "far.example"), to_remote("b@far.example", "far.example"),
                    to_remote("c@isp.example", "route:isp")};
  accepted(one);
  const auto move_to = [&](const char* source) {
    QueueFilter filter;
    filter.message = one.id;
    filter.source = source;
    return run(store().queue().operate(QueueAction::rebind, filter, "root", now())).value_or(999);
  };
  EXPECT_EQ(move_to("mail2"), 2u) << "a route has its own way";
  EXPECT_EQ(move_to("mail2"), 0u) << "it leaves from there already";
  EXPECT_TRUE(run(store().queue().claim("far.example", now(), 10)).value().items.empty());
  EXPECT_TRUE(run(store().upkeep().verify()).value().empty()) << "what waits is counted where it waits";
  const Claim claimed = run(store().queue().claim("far.example#mail2", now(), 10)).value();
  ASSERT_EQ(claimed.items.size(), 1u);
  EXPECT_EQ(claimed.items[0].recipients.size(), 2u);
  EXPECT_EQ(claimed.items[0].recipients[0].destination, "far.example#mail2");
  EXPECT_EQ(move_to(""), 0u) << "it is in hand";
}

TEST_P(StoreContract, WhatWasLearntOfSitesIsKeptUntilNothingIsKnownOfThem) {
  const SiteFacts slow{.key = "mx:a.example", .most = 3, .pace = 1200, .why = "421 too fast", .learned_at = 5};
  const SiteFacts blocked{
      .key = "route:isp", .per_connection = 50, .pause_until = now() + kAnHour, .blocks = 2, .learned_at = 6};
  ASSERT_TRUE(run(store().queue().keep_sites({slow, blocked})));
  auto kept = run(store().queue().list_sites()).value();
  std::ranges::sort(kept, {}, &SiteFacts::key);
  EXPECT_EQ(kept, (std::vector<SiteFacts>{slow, blocked}));
  SiteFacts faster = slow;
  faster.pace = 600;
  ASSERT_TRUE(run(store().queue().keep_sites({faster, SiteFacts{.key = "route:isp"}})));
  EXPECT_EQ(run(store().queue().list_sites()).value(), std::vector<SiteFacts>{faster});
}

} // namespace
} // namespace paquebot::store
