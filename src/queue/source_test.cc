#include "queue/source.h"

#include <gtest/gtest.h>
#include <map>

namespace paquebot::queue {
namespace {

const Sources kAll({{.name = "main", .ipv4 = "192.0.2.1"},
                    {.name = "bulk", .ipv4 = "192.0.2.2"},
                    {.name = "rest", .ipv4 = "192.0.2.3"}},
                   {{.name = "news", .from = {"news@ours.example"}, .shares = {{"bulk", 1}}},
                    {.name = "ours", .from = {"ours.example"}, .shares = {{"main", 3}, {"bulk", 1}, {"rest", 0}}},
                    {.name = "others", .from = {"*"}, .shares = {{"rest", 1}}}});

TEST(Source, TheMostExactPoolCounts) {
  UlidSource ids;
  const auto choose = [&](const char* local, const char* domain, bool submitted) {
    return kAll.choose({local, domain}, submitted, ids.next());
  };
  EXPECT_EQ(choose("News", "Ours.example", true), "bulk");
  EXPECT_NE(choose("ann", "ours.example", true), "rest");
  EXPECT_EQ(choose("ann", "far.example", true), "rest");
  EXPECT_EQ(choose("news", "ours.example", false), "rest") << "strangers may write down any address";
  EXPECT_EQ(choose("", "", false), "rest") << "a report";
  EXPECT_EQ(Sources().choose({"news", "ours.example"}, true, ids.next()), "");
  EXPECT_EQ(kAll.pool_of({"ann", "ours.example"}, true)->name, "ours");
}

TEST(Source, SharesAreKeptAndAMessageStaysWithItsOwn) {
  UlidSource ids;
  std::map<std::string, int> counted;
  for (int i = 0; i < 4000; ++i) {
    const Ulid id = ids.next();
    const std::string source = kAll.choose({"ann", "ours.example"}, true, id);
    EXPECT_EQ(kAll.choose({"ann", "ours.example"}, true, id), source);
    ++counted[source];
  }
  EXPECT_EQ(counted.size(), 2U);
  EXPECT_NEAR(counted["bulk"], 1000, 200);
}

TEST(Source, DestinationsHaveTheirSourceInTheirName) {
  EXPECT_EQ(bind_to("far.example", ""), "far.example");
  EXPECT_EQ(bind_to("route:isp", "bulk"), "route:isp");
  const std::string key = bind_to("far.example", "bulk");
  EXPECT_EQ(bound_of(key).destination, "far.example");
  EXPECT_EQ(bound_of(key).source, "bulk");
  EXPECT_EQ(bound_of("far.example").destination, "far.example");
  EXPECT_EQ(bound_of("far.example").source, "");
  EXPECT_EQ(bound_of("route:a#b").destination, "route:a#b");
}

} // namespace
} // namespace paquebot::queue
