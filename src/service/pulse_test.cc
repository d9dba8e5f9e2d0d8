#include "directory/test_server.h"
#include "service/pulse.h"
#include "store/wrapped_store.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <latch>
#include <semaphore>

namespace paquebot::service {
namespace {

using namespace std::chrono_literals;

/// A store whose writer comes to no end until it is told to, or fails.
class StandingWriter final : public store::WrappedUpkeep {
public:
  using WrappedUpkeep::WrappedUpkeep;
  Task<Result<>> set_setting(std::string key, std::string value) override {
    asked.release();
    if (stands) co_await go.wait();
    if (fails) co_return fail(Errc::no_space, "the disk is full");
    co_return co_await WrappedUpkeep::set_setting(std::move(key), std::move(value));
  }
  std::counting_semaphore<> asked{0};
  OneShot go;
  bool stands = false, fails = false;
};

class PulseTest : public testing::Test {
protected:
  void TearDown() override {
    boost::asio::post(contexts.executor(0), [this] { stopping = true; });
    ended.acquire(); // the store answers whoever asked it, so whoever did has to be there
    contexts.stop();
    contexts.join();
  }
  void begin() {
    contexts.run();
    boost::asio::co_spawn(contexts.executor(0), pulse.run(stopping, 1ms, [this] { ++beats, beaten.release(); }),
                          [this](const std::exception_ptr&) { ended.release(); });
  }
  directory::TestServer place;
  StandingWriter store{place.store()};
  net::ContextPool contexts{3};
  Pulse pulse{store, contexts};
  bool stopping = false;
  std::atomic<int> beats = 0;
  std::counting_semaphore<> beaten{0};
  std::binary_semaphore ended{0};
};

TEST_F(PulseTest, BeatsWhileAllAnswer) {
  begin();
  for (int i = 0; i < 3; ++i) beaten.acquire();
}

TEST_F(PulseTest, AFullDiskIsAnAnswer) {
  store.fails = true;
  begin();
  beaten.acquire();
}

TEST_F(PulseTest, StopsWhileTheStoreStands) {
  store.stands = true;
  begin();
  store.asked.acquire();
  EXPECT_EQ(beats, 0);
  store.go.fire();
  beaten.acquire();
}

TEST_F(PulseTest, StopsWhileAThreadStands) {
  std::binary_semaphore held(0);
  std::latch standing(1);
  boost::asio::post(contexts.executor(2), [&] {
    standing.count_down();
    held.acquire();
  });
  begin();
  standing.wait();
  EXPECT_FALSE(store.asked.try_acquire()) << "threads are asked first";
  EXPECT_EQ(beats, 0);
  held.release();
  beaten.acquire();
}

} // namespace
} // namespace paquebot::service
