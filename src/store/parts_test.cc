#include "store/byte_budget.h"
#include "store/checksum.h"
#include "store/event.h"
#include "store/test_contract.h"

namespace paquebot::store {
namespace {

TEST(Checksum, KnownValues) {
  // RFC 3720 appendix B.4, and the usual check value of CRC-32C.
  EXPECT_EQ(checksum(""), 0u);
  EXPECT_EQ(checksum("123456789"), 0xE3069283u);
  EXPECT_EQ(checksum(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(checksum(std::string(32, '\xFF')), 0x62A8AB43u);
  std::string text;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(checksum(text), checksum_by_tables(text)) << text.size();
    text += static_cast<char>(i * 37 + 200);
  }
}

std::vector<Event> some_events() {
  return {{1'767'225'600'000, EventKind::accepted, {}, "from x", 1},
          {1'767'225'600'001, EventKind::deferred, {0, 1, 500, 70000}, std::string(300, 'd'), 41},
          {0, EventKind::removed, {7}, "", 1}};
}

TEST(Event, PacksAndUnpacks) {
  const auto events = unpack_events(pack_events(some_events()));
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*events)[i].at, some_events()[i].at);
    EXPECT_EQ((*events)[i].kind, some_events()[i].kind);
    EXPECT_EQ((*events)[i].recipients, some_events()[i].recipients);
    EXPECT_EQ((*events)[i].detail, some_events()[i].detail);
    EXPECT_EQ((*events)[i].times, some_events()[i].times);
  }
}

TEST(Event, ClassesArePackedWhereThereAreSome) {
  EXPECT_EQ(pack_events(some_events()).front(), '\x01') << "older programs read it";
  auto all = some_events();
  all[1].bounce = mail::BounceClass::greylist;
  const std::string packed = pack_events(all);
  const auto events = unpack_events(packed);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 3u);
  EXPECT_EQ((*events)[0].bounce, mail::BounceClass::none);
  EXPECT_EQ((*events)[1].bounce, mail::BounceClass::greylist);
  EXPECT_EQ((*events)[1].recipients, all[1].recipients);
  EXPECT_EQ((*events)[2].detail, all[2].detail);
  for (std::size_t cut = 0; cut < packed.size(); ++cut) EXPECT_FALSE(unpack_events(packed.substr(0, cut))) << cut;
}

TEST(Event, ANodeIsNamedOnce) {
  const std::string packed = pack_events(some_events(), "mx1.example");
  const auto events = unpack_events(packed);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*events)[i].node, "mx1.example");
    EXPECT_EQ((*events)[i].recipients, some_events()[i].recipients);
  }
  for (std::size_t cut = 0; cut < packed.size(); ++cut) EXPECT_FALSE(unpack_events(packed.substr(0, cut))) << cut;
  const auto cut = unpack_events(pack_events(some_events(), std::string(1000, 'n')));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->front().node, std::string(kMaxNodeName, 'n'));
  EXPECT_EQ(unpack_events(pack_events(*cut))->front().node, "") << "it is who writes that is named";
}

TEST(Event, LongDetailsAreCut) {
  const auto events = unpack_events(pack_events({{1, EventKind::failed, {}, std::string(100000, 'x'), 1}}));
  ASSERT_TRUE(events);
  EXPECT_EQ(events->front().detail.size(), kMaxEventDetail);
}

TEST(Event, DamageIsNoticedAndNeverTrusted) {
  const std::string packed = pack_events(some_events());
  for (std::size_t cut = 0; cut < packed.size(); ++cut) EXPECT_FALSE(unpack_events(packed.substr(0, cut))) << cut;
  EXPECT_FALSE(unpack_events(packed + "x"));
  EXPECT_FALSE(unpack_events(std::string("\x04\x00", 2))) << "a version to come";
  EXPECT_FALSE(unpack_events(std::string("\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10))) << "a huge count";
  for (std::size_t at = 0; at < packed.size(); ++at) {
    std::string broken = packed;
    broken[at] = static_cast<char>(broken[at] ^ 0xFF);
    const auto events = unpack_events(broken);
    EXPECT_LE(events.value_or(std::vector<Event>()).size(), packed.size());
  }
}

Task<void> take_one(ByteBudget& budget, std::uint64_t bytes, std::shared_ptr<ByteBudget::Permit>& out, int& order,
                    int& place) {
  out = co_await budget.take(bytes);
  place = ++order;
}

Task<void> take_of(ByteBudget& budget, std::uint64_t bytes, ByteBudget::Whose whose,
                   std::shared_ptr<ByteBudget::Permit>& out, int& order, int& place) {
  out = co_await budget.take(bytes, std::move(whose));
  place = ++order;
}

TEST(ByteBudget, WaitersAreServedInTheirOrder) {
  ByteBudget budget(100, std::chrono::hours(1));
  boost::asio::io_context context;
  std::shared_ptr<ByteBudget::Permit> permits[4];
  int places[4] = {};
  int order = 0;
  const auto finished = [](std::exception_ptr) {};
  const std::uint64_t wanted[4] = {60, 60, 30, 1000}; // the last counts as the whole
  for (std::size_t i = 0; i < 4; ++i) {
    co_spawn(context, take_one(budget, wanted[i], permits[i], order, places[i]), finished);
  }
  context.poll();
  EXPECT_TRUE(permits[0]);
  EXPECT_FALSE(permits[1] || permits[2] || permits[3]) << "the small one does not overtake";
  permits[0].reset();
  context.restart();
  context.poll();
  EXPECT_TRUE(permits[1] && permits[2]);
  EXPECT_FALSE(permits[3]);
  permits[1].reset();
  permits[2].reset();
  context.restart();
  context.run();
  EXPECT_TRUE(permits[3]);
  EXPECT_EQ(places[3], 4);
}

TEST(ByteBudget, PatienceEnds) {
  ByteBudget budget(100, std::chrono::milliseconds(1));
  boost::asio::io_context context;
  const auto held = run(budget.take(100));
  EXPECT_TRUE(held);
  EXPECT_FALSE(run(budget.take(1)));
}

TEST(BudgetShare, IsTakenInStepsAndGivenBack) {
  constexpr std::uint64_t kStep = 64u << 10;
  ByteBudget budget(2 * kStep, std::chrono::milliseconds(1));
  BudgetShare one(&budget, 100), other(&budget, 100);
  EXPECT_TRUE(one.covers(100));
  EXPECT_FALSE(one.covers(101));
  EXPECT_TRUE(run(one.grow(101)));
  EXPECT_TRUE(one.covers(100 + kStep));
  EXPECT_FALSE(run(other.grow(2 * kStep))); // one is left
  EXPECT_FALSE(run(one.grow(101 + kStep)));
  other.reset();
  EXPECT_FALSE(other.covers(101));
  EXPECT_TRUE(run(one.grow(101 + kStep)));
  EXPECT_EQ(one.held(), 2 * kStep);
  one.reset();
  EXPECT_EQ(one.held(), 0u);
  EXPECT_TRUE(run(other.grow(100 + 2 * kStep))); // all of it came back
  EXPECT_TRUE(BudgetShare().covers(1ull << 40));
}

/// A group that fills a budget until it must wait.
std::uint64_t fill(BudgetShare& share) {
  while (run(share.grow(share.held() + 1))) continue;
  return share.held();
}

TEST(ByteBudget, AGroupLeavesTheMostToOthers) {
  constexpr std::uint64_t kWhole = 40u << 20;
  ByteBudget budget(kWhole, std::chrono::milliseconds(1));
  std::vector<BudgetShare> crowd;
  std::uint64_t used = 0;
  for (const char* name : {"one", "two", "three", "four", "five", "six"}) {
    crowd.emplace_back(&budget, 0, ByteBudget::Whose{name});
    const std::uint64_t left = kWhole - used, got = fill(crowd.back());
    EXPECT_LE(got, left / 4) << name;
    EXPECT_GT(got, left / 4 - (64u << 10)) << name;
    used += got;
    BudgetShare neighbour(&budget, 0, ByteBudget::Whose{name});
    EXPECT_FALSE(run(neighbour.grow(1))) << "another connection of " << name;
  }
  BudgetShare other(&budget, 0, ByteBudget::Whose{"other"}), nobodys(&budget, 0);
  EXPECT_TRUE(run(other.grow(1u << 20)));
  crowd.front().reset();
  EXPECT_TRUE(run(crowd.front().grow(1u << 20))) << "it is free again";
  crowd.clear();
  EXPECT_GT(fill(nobodys), kWhole * 9 / 10) << "what is no group is bounded by the whole only";
}

TEST(ByteBudget, AGroupHasWhatItsLargestMessageNeeds) {
  constexpr std::uint64_t kWhole = 40u << 20, kLeast = 15u << 20;
  ByteBudget budget(kWhole, std::chrono::milliseconds(1));
  BudgetShare one(&budget, 0, ByteBudget::Whose{"one", kLeast}), two(&budget, 0, ByteBudget::Whose{"two", kWhole});
  EXPECT_EQ(fill(one), kLeast);
  EXPECT_EQ(fill(two), kWhole / 2) << "never more than the half";
}

TEST(ByteBudget, WhoWaitsForItsOwnGroupIsOvertaken) {
  ByteBudget budget(1000, std::chrono::hours(1));
  boost::asio::io_context context;
  const auto finished = [](std::exception_ptr) {};
  std::shared_ptr<ByteBudget::Permit> permits[7];
  int places[7] = {};
  int order = 0;
  const auto ask = [&](std::size_t i, std::uint64_t bytes, ByteBudget::Whose whose) {
    co_spawn(context, take_of(budget, bytes, std::move(whose), permits[i], order, places[i]), finished);
    context.restart();
    context.poll();
  };
  ask(0, 200, {"crowd"});
  ask(1, 200, {"crowd"});
  ask(2, 100, {"honest"});
  EXPECT_TRUE(permits[0] && permits[2]);
  EXPECT_FALSE(permits[1]);
  ask(3, 650, {});
  ask(4, 50, {}); // now all of it is held
  ask(5, 50, {"honest", 200});
  ask(6, 50, {"other", 200});
  EXPECT_TRUE(permits[3] && permits[4]);
  EXPECT_FALSE(permits[5] || permits[6]);
  permits[4].reset();
  context.restart();
  context.poll();
  EXPECT_TRUE(permits[6]) << "who holds nothing comes first";
  EXPECT_FALSE(permits[1] || permits[5]);
  permits[0].reset();
  context.restart();
  context.poll();
  EXPECT_TRUE(permits[5]);
  permits[3].reset();
  context.restart();
  context.run();
  EXPECT_TRUE(permits[1]);
}

} // namespace
} // namespace paquebot::store
