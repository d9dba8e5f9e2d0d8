#include "dns/cache.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const Answer> answer(std::uint32_t ttl) {
  Answer made;
  made.ttl = ttl;
  return std::make_shared<const Answer>(made);
}

TEST(Cache, KeepsForTheTimeToLive) {
  Cache cache(10);
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
  Cache cache(10);
  cache.keep({"a", Type::a}, answer(0), Instant{});
  EXPECT_EQ(cache.size(), 0u);
  Cache none(0);
  none.keep({"a", Type::a}, answer(60), Instant{});
  EXPECT_EQ(none.size(), 0u);
}

TEST(Cache, ANewAnswerReplacesTheOld) {
  Cache cache(10);
  cache.keep({"a", Type::a}, answer(60), Instant{});
  const auto second = answer(60);
  cache.keep({"a", Type::a}, second, Instant{});
  EXPECT_EQ(cache.find({"a", Type::a}, Instant{}), second);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(Cache, DropsTheLeastRecentlyUsed) {
  Cache cache(3);
  const Instant now{};
  for (const char* name : {"a", "b", "c"}) cache.keep({name, Type::a}, answer(60), now);
  EXPECT_TRUE(cache.find({"a", Type::a}, now));
  cache.keep({"d", Type::a}, answer(60), now);
  EXPECT_TRUE(cache.find({"a", Type::a}, now));
  EXPECT_FALSE(cache.find({"b", Type::a}, now));
  EXPECT_EQ(cache.size(), 3u);
}

} // namespace
} // namespace paquebot::dns
