#include "dns/cache.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRoom = 1u << 20;

std::shared_ptr<const Answer> answer(std::uint32_t ttl, std::size_t octets = 0) {
  Answer made;
  made.ttl = ttl;
  if (octets > 0) made.records.push_back({.text = std::string(octets, 'x')});
  return std::make_shared<const Answer>(made);
}

TEST(Cache, KeepsForTheTimeToLive) {
  Cache cache(10, kRoom);
  const Instant now{};
  const Question question{"example.test", Type::mx};
  EXPECT_FALSE(cache.find(question, now));
  const auto kept = answer(60);
  cache.keep(question, kept, now);
  EXPECT_EQ(cache.find(question, now + 59s), kept);
  EXPECT_FALSE(cache.find({"example.test", Type::a}, now));
  EXPECT_FALSE(cache.find(question, now + 60s));
  EXPECT_EQ(cache.size(), 0u);
}

TEST(Cache, NothingForNoTime) {
  Cache cache(10, kRoom);
  cache.keep({"a", Type::a}, answer(0), Instant{});
  EXPECT_EQ(cache.size(), 0u);
  Cache none(0, kRoom);
  none.keep({"a", Type::a}, answer(60), Instant{});
  EXPECT_EQ(none.size(), 0u);
}

TEST(Cache, ANewAnswerReplacesTheOld) {
  Cache cache(10, kRoom);
  cache.keep({"a", Type::a}, answer(60), Instant{});
  const auto second = answer(60);
  cache.keep({"a", Type::a}, second, Instant{});
  EXPECT_EQ(cache.find({"a", Type::a}, Instant{}), second);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(Cache, DropsTheLeastRecentlyUsed) {
  Cache cache(3, kRoom);
  const Instant now{};
  for (const char* name : {"a", "b", "c"}) cache.keep({name, Type::a}, answer(60), now);
  EXPECT_TRUE(cache.find({"a", Type::a}, now));
  cache.keep({"d", Type::a}, answer(60), now);
  EXPECT_TRUE(cache.find({"a", Type::a}, now));
  EXPECT_FALSE(cache.find({"b", Type::a}, now));
  EXPECT_EQ(cache.size(), 3u);
}

TEST(Cache, IsBoundedInOctets) {
  // A name that a stranger chose may bring 60 KB; 20,000 of those would be more than a gigabyte.
  Cache cache(20000, kRoom);
  const Instant now{};
  std::size_t most = 0;
  for (int i = 0; i < 2500; ++i) {
    cache.keep({std::to_string(i) + ".test", Type::txt}, answer(60, 60000), now);
    most = std::max(most, cache.octets());
  }
  EXPECT_LE(most, kRoom);
  EXPECT_GT(most, kRoom - 70000);
  EXPECT_EQ(cache.size(), kRoom / 60700);
  EXPECT_TRUE(cache.find({"2499.test", Type::txt}, now));
  EXPECT_FALSE(cache.find({"0.test", Type::txt}, now));
  // Given back with the entry, whichever way it goes.
  EXPECT_FALSE(cache.find({"2499.test", Type::txt}, now + 60s));
  for (int i = 0; i < 2500; ++i) EXPECT_FALSE(cache.find({std::to_string(i) + ".test", Type::txt}, now + 60s));
  EXPECT_EQ(cache.octets(), 0u);
}

TEST(Cache, OneAnswerIsNotWorthAllOthers) {
  Cache cache(100, kRoom);
  const Instant now{};
  cache.keep({"a", Type::a}, answer(60, 10), now);
  cache.keep({"large", Type::txt}, answer(60, kRoom / 4), now);
  EXPECT_FALSE(cache.find({"large", Type::txt}, now));
  EXPECT_TRUE(cache.find({"a", Type::a}, now));
}

} // namespace
} // namespace paquebot::dns
