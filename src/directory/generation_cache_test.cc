#include "directory/generation_cache.h"

#include <gtest/gtest.h>

namespace paquebot::directory {
namespace {

TEST(GenerationCache, ForgetsOnChange) {
  GenerationCache<int> cache(4);
  cache.put(1, "a", 10);
  EXPECT_EQ(cache.get(1, "a"), 10);
  EXPECT_EQ(cache.get(2, "a"), std::nullopt);
  cache.put(1, "a", 10); // read before the change
  EXPECT_EQ(cache.get(2, "a"), std::nullopt);
  EXPECT_EQ(cache.get(1, "a"), std::nullopt);
}

TEST(GenerationCache, BoundedAndKeepsWhatIsUsed) {
  GenerationCache<int> cache(10);
  cache.put(1, "kept", 1);
  for (int i = 0; i < 1000; ++i) {
    cache.put(1, "k" + std::to_string(i), i);
    EXPECT_EQ(cache.get(1, "kept"), 1) << i;
    EXPECT_LE(cache.size(), 20U);
  }
  EXPECT_EQ(cache.get(1, "k999"), 999);
  EXPECT_EQ(cache.get(1, "k0"), std::nullopt);
}

} // namespace
} // namespace paquebot::directory
