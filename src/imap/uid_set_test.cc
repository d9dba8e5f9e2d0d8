#include "imap/uid_set.h"

#include <gtest/gtest.h>
#include <random>
#include <set>

namespace paquebot::imap {
namespace {

UidSet set_of(const std::set<std::uint32_t>& numbers) {
  UidSet out;
  for (const std::uint32_t one : numbers) append(out, one);
  return out;
}

TEST(UidSet, IsWrittenAsRuns) {
  EXPECT_EQ(to_text(set_of({1, 2, 3, 7, 9, 10})), "1:3,7,9:10");
  EXPECT_EQ(to_text({}), "");
  EXPECT_EQ(count_of({{1, 4'294'967'295}}), 4'294'967'295u);
}

TEST(UidSet, RunsOfAnyOrderAreBroughtIntoOne) {
  EXPECT_EQ(normalize({{5, 7}, {1, 2}, {3, 3}, {6, 9}, {9, 8}}), (UidSet{{1, 3}, {5, 9}}));
  EXPECT_EQ(normalize({{1, 4'294'967'295}, {7, 8}}), (UidSet{{1, 4'294'967'295}}));
}

TEST(UidSet, SetsThatAreWritten) {
  const auto resolved = [](std::string_view text, std::uint32_t highest) {
    const auto set = parse_sequence_set(text);
    return set ? to_text(set->resolve(highest)) : std::string("none");
  };
  EXPECT_EQ(resolved("1:3,5", 9), "1:3,5");
  EXPECT_EQ(resolved("3:1", 9), "1:3");
  EXPECT_EQ(resolved("*", 9), "9");
  EXPECT_EQ(resolved("7:*", 9), "7:9");
  EXPECT_EQ(resolved("12:*", 9), "9:12") << "RFC 9051 section 9: the last one, whatever stands in front";
  EXPECT_EQ(resolved("*", 0), "");
  EXPECT_EQ(resolved("4294967295", 9), "4294967295");
  for (const char* bad : {"", "0", "1:", ":1", "1,,2", "a", "4294967296", "1:2:3", "**", "-1", "1,"})
    EXPECT_EQ(resolved(bad, 9), "none") << bad;
  EXPECT_TRUE(parse_sequence_set("$")->saved);
}

TEST(UidSet, AgreesWithSetsOfNumbers) {
  std::mt19937 random(7);
  const auto some = [&] { return static_cast<std::uint32_t>(random() % 60 + 1); };
  for (int round = 0; round < 300; ++round) {
    std::set<std::uint32_t> a, b, both, left;
    for (int i = 0; i < 30; ++i) a.insert(some()), b.insert(some());
    for (const std::uint32_t one : a) (b.contains(one) ? both : left).insert(one);
    EXPECT_EQ(intersect(set_of(a), set_of(b)), set_of(both));
    EXPECT_EQ(without(set_of(a), set_of(b)), set_of(left));
    UidSet rest = set_of(a);
    const std::uint64_t most = random() % 40;
    const UidSet front = take_front(rest, most);
    EXPECT_EQ(count_of(front), std::min<std::uint64_t>(most, a.size()));
    EXPECT_EQ(count_of(front) + count_of(rest), a.size());
    View view(set_of(a));
    view.remove(set_of(b));
    ASSERT_EQ(view.count(), left.size());
    std::uint32_t number = 0;
    for (const std::uint32_t uid : left) {
      EXPECT_EQ(view.number_of(uid), ++number);
      EXPECT_EQ(view.uid_of(number), uid);
    }
    EXPECT_EQ(view.uids(), set_of(left));
    EXPECT_EQ(view.number_of(61), 0u);
    if (left.size() > 2) {
      EXPECT_EQ(count_of(view.uids_of({{2, 100}})), left.size() - 1);
    }
  }
}

TEST(UidSet, AViewOfAMillionWithoutGapsIsOneRun) {
  View view({{1, 1'000'000}});
  EXPECT_EQ(view.uid_of(777'777), 777'777u);
  view.remove({{5, 5}, {1'000'000, 1'000'000}});
  EXPECT_EQ(view.uid_of(5), 6u);
  EXPECT_EQ(view.highest(), 999'999u);
  view.add({{1'000'001, 1'000'002}});
  EXPECT_EQ(view.count(), 1'000'000u);
  EXPECT_EQ(view.uids().size(), 3u);
}

TEST(ImapView, NumbersOfUids) {
  const View view(UidSet{{2, 4}, {7, 7}, {9, 12}});
  EXPECT_EQ(view.numbers_of({{1, 20}}), (UidSet{{1, 8}}));
  EXPECT_EQ(view.numbers_of({{3, 7}, {11, 99}}), (UidSet{{2, 4}, {7, 8}}));
  EXPECT_EQ(view.numbers_of({{5, 6}, {8, 8}}), UidSet());
}

} // namespace
} // namespace paquebot::imap
