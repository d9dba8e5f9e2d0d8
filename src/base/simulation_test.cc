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

/// Whether one that is over when it is set ends now or a little later would be up to the system.
TEST(Simulation, NoTimerEndsBeforeTheClockHasMoved) {
  FakeClock clock;
  const Simulation simulation(clock, 1);
  boost::asio::io_context io;
  EXPECT_FALSE(next_timer());
  Timer timer(io, clock.now() - 1h);
  Timer later(io, 1h);
  bool ended = false;
  timer.async_wait([&](const boost::system::error_code&) { ended = true; });
  wake_timers(io);
  io.run_one();
  io.poll();
  EXPECT_FALSE(ended);
  ASSERT_TRUE(next_timer());
  EXPECT_LT(*next_timer(), clock.now() + 1ms);
  clock.set_now(*next_timer());
  bool told = false;
  wake_timers(io, [&] { told = true; });
  while (!told) io.poll();
  io.poll();
  EXPECT_TRUE(ended);
  EXPECT_GT(*next_timer(), clock.now() + 59min);
  note_timer(clock.now() + 1min);
  EXPECT_EQ(*next_timer(), clock.now() + 1min);
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
