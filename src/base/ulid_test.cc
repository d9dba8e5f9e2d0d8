#include "base/fake_clock.h"
#include "base/ulid.h"

#include <gtest/gtest.h>
#include <set>
#include <thread>
#include <vector>

namespace paquebot {
namespace {

TEST(Ulid, TextForm) {
  Ulid id;
  EXPECT_EQ(id.to_string(), "00000000000000000000000000");
  id.bytes.fill(0xFF);
  EXPECT_EQ(id.to_string(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(Ulid::parse("7zzzzzzzzzzzzzzzzzzzzzzzzz"), id);
  id = Ulid{};
  id.bytes[15] = 33;
  id.bytes[5] = 1; // one millisecond
  EXPECT_EQ(id.to_string(), "00000000010000000000000011");
  EXPECT_EQ(id.millis(), 1);
}

TEST(Ulid, RefusesMalformed) {
  for (const std::string_view text :
       {"", "0000000000000000000000000", "000000000000000000000000000", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "0000000000000000000000000I", "0000000000000000000000000L", "0000000000000000000000000O",
        "0000000000000000000000000U", "000000000000 0000000000000"}) {
    EXPECT_FALSE(Ulid::parse(text)) << text;
  }
}

TEST(Ulid, RoundTripAndOrder) {
  FakeClock clock;
  UlidSource source(clock);
  Ulid before;
  for (int i = 0; i < 1000; ++i) {
    if (i == 300) clock.advance(std::chrono::milliseconds(1));
    if (i == 600) clock.set_wall(from_millis(1000)); // years back
    const Ulid id = source.next();
    EXPECT_LT(before, id);
    EXPECT_LT(before.to_string(), id.to_string());
    EXPECT_EQ(Ulid::parse(id.to_string()), id);
    before = id;
  }
}

TEST(Ulid, CarriesTheTime) {
  FakeClock clock;
  EXPECT_EQ(UlidSource(clock).next().millis(), millis(clock.wall()));
}

TEST(Ulid, UniqueBetweenThreads) {
  UlidSource source;
  std::vector<std::vector<Ulid>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& ids : made) {
      threads.emplace_back([&source, &ids] {
        for (int i = 0; i < 2000; ++i) ids.push_back(source.next());
      });
    }
  }
  std::set<Ulid> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 8000U);
}

} // namespace
} // namespace paquebot
