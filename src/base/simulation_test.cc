#include "base/fake_clock.h"
#include "base/random.h"
#include "base/simulation.h"
#include "base/timer.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace paquebot {
namespace {

using namespace std::chrono_literals;

TEST(Simulation, IsTheTimeOfTheProcessWhileItLives) {
  FakeClock clock;
  const Instant real = system_clock().now();
  {
    const Simulation simulation(clock, 1);
    EXPECT_EQ(&system_clock(), &clock);
  }
  EXPECT_NE(&system_clock(), &clock);
  EXPECT_GE(system_clock().now(), real);
}

TEST(Simulation, ItsTimersEndByItsClock) {
  FakeClock clock;
  const Simulation simulation(clock, 1);
  boost::asio::io_context io;
  Timer timer(io, 240h);
  bool ended = false;
  timer.async_wait([&](const boost::system::error_code&) { ended = true; });
  io.poll();
  EXPECT_FALSE(ended);
  clock.advance(239h);
  wake_timers(io);
  io.poll();
  EXPECT_FALSE(ended);
  clock.advance(1h);
  wake_timers(io);
  io.poll();
  EXPECT_TRUE(ended);
}

TEST(Simulation, DrawsTheSameNumbersFromTheSameSeed) {
  FakeClock clock;
  const auto drawn = [&](std::uint64_t seed) {
    const Simulation simulation(clock, seed);
    std::string all = random_bytes(100);
    return all + random_bytes(3);
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
  EXPECT_NE(random_bytes(16), random_bytes(16));
}

} // namespace
} // namespace paquebot
