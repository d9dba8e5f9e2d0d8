#include "base/clock.h"
#include "directory/test_server.h"
#include "service/senses.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

constexpr std::uint64_t kId = 0x0123456789abcdef;

/// A server's reply that was sent at this time, in seconds since 1900.
std::string time_reply(std::uint32_t seconds, std::uint64_t id = kId) {
  std::string packet = compose_time_question(id);
  packet.replace(24, 8, packet.substr(40, 8));
  packet[0] = 0x24;
  packet[1] = 2;
  for (std::size_t i = 0; i < 4; ++i) packet[40 + i] = static_cast<char>(seconds >> (8 * (3 - i)));
  packet.replace(44, 4, std::string("\x80\0\0\0", 4)); // half a second
  return packet;
}

TEST(SensesTime, Reads) {
  EXPECT_EQ(read_time_reply(time_reply(2'208'988'801u + 0x0u), kId).value_or(0), 1500);
  EXPECT_EQ(read_time_reply(time_reply(0), kId).value_or(0), ((std::int64_t{1} << 32) - 2'208'988'800) * 1000 + 500);
}

TEST(SensesTime, RefusesWhatIsNone) {
  EXPECT_FALSE(read_time_reply("", kId));
  EXPECT_FALSE(read_time_reply(time_reply(5), kId + 1)); // of somebody else's question
  std::string lost = time_reply(5);
  lost[1] = 0; // a kiss of death
  EXPECT_FALSE(read_time_reply(lost, kId));
  lost = time_reply(5);
  lost[0] = static_cast<char>(0xe4); // not synchronised itself
  EXPECT_FALSE(read_time_reply(lost, kId));
}

TEST(Senses, WithoutAWheelNothingIsReached) {
  EXPECT_EQ(directory::run_task(hear_greeting({}, {"127.0.0.1", 1}, std::chrono::milliseconds(10))).error().code,
            Errc::temporary);
  EXPECT_FALSE(directory::run_task(reach_place({}, "unix:/nowhere", std::chrono::milliseconds(10))));
}

} // namespace
} // namespace paquebot::service
