#include "directory/test_server.h"
#include "service/server.h"
#include "store/wrapped_store.h"

#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>

namespace paquebot::service {
namespace {

/// A store that can't be read the first times it is asked what waits.
class SlowStart final : public store::Wrapped<store::WrappedQueueStore> {
public:
  using Wrapped::Wrapped;

  Task<Result<std::vector<store::DestinationFacts>>> list_destinations(bool with_counts) override {
    if (count() < 3) co_return fail(Errc::io, "the disk does not answer");
    co_return co_await WrappedQueueStore::list_destinations(with_counts);
  }
  void wait_for(int times) {
    std::unique_lock lock(mutex_);
    asked_more_.wait(lock, [&] { return asked_ >= times; });
  }

private:
  int count() {
    const std::lock_guard lock(mutex_);
    asked_more_.notify_all();
    return ++asked_;
  }
  std::mutex mutex_;
  std::condition_variable asked_more_;
  int asked_ = 0;
};

TEST(Server, AsksAgainWhatWaitsWhenTheStoreCannotBeRead) {
  const directory::TestDirectory place;
  auto opened = store::open_store((place.path() / "data").string());
  ASSERT_TRUE(opened);
  SlowStart slow(**opened);
  ServerOptions server_options;
  server_options.hostname = "mx.example.test";
  server_options.drop_directory = place.path();
  server_options.threads = 1;
  server_options.dns.resolvers = {"127.0.0.1:9"};
  server_options.dns.trust_anchor = "none";
  {
    Server server(slow, std::move(server_options), std::make_shared<const Snapshot>());
    ASSERT_TRUE(server.start({}));
    slow.wait_for(3);
    EXPECT_TRUE(server.stop(std::chrono::seconds(10)));
  }
}

} // namespace
} // namespace paquebot::service
