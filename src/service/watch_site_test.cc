#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "service/process_facts.h"
#include "service/watch_site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace paquebot::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Of the store only what Health writes.
class FakeUpkeep final : public store::Upkeep {
public:
  Result<> outcome;
  unsigned writes = 0;
  Task<Result<>> set_setting(std::string, std::string) override {
    ++writes;
    co_return outcome;
  }
  Task<Result<std::string>> get_setting(std::string) override { co_return std::string(); }
  Task<Result<std::vector<std::pair<std::string, std::string>>>> list_settings(std::string, std::size_t,
                                                                               std::string) override {
    co_return std::vector<std::pair<std::string, std::string>>();
  }
  Task<Result<bool>> lease(std::string, std::chrono::seconds) override { co_return true; }
  Task<Result<std::vector<store::NodeFacts>>> list_nodes() override { co_return std::vector<store::NodeFacts>(); }
  Task<Result<store::StoreFacts>> describe() override { co_return store::StoreFacts(); }
  Task<Result<>> drain_node(std::string, bool) override { co_return Result<>(); }
  void hand_over() override {}
  Task<Result<std::int64_t>> last_beat() override { co_return 0; }
  Task<Result<>> beat(std::int64_t) override { co_return Result<>(); }
  Task<Result<bool>> maintain(std::int64_t) override { co_return false; }
  Task<Result<std::vector<std::string>>> verify() override { co_return std::vector<std::string>(); }
  Task<Result<store::VerifyStep>> verify_step(store::VerifyPoint) override { co_return store::VerifyStep(); }
  Task<Result<store::BackupStep>> begin_backup(std::string) override { co_return store::BackupStep(); }
  Task<Result<store::BackupStep>> go_on_with_backup(std::uint64_t) override { co_return store::BackupStep(); }
};

class WatchSiteTest : public ::testing::Test {
protected:
  http::Response ask(std::string path, std::string from = "127.0.0.1", http::Fields fields = {},
                     std::string method = "GET") {
    http::Exchange exchange;
    exchange.request = {.method = std::move(method), .path = std::move(path), .fields = std::move(fields)};
    exchange.visitor.address = std::move(from);
    exchange.visitor.encrypted = encrypted;
    auto response = directory::run_task(site.answer(std::move(exchange))).response;
    if (!stuck)
      for (Task<void>& task : std::exchange(launched, {})) directory::run_task(whole(std::move(task)));
    return response;
  }
  static Task<bool> whole(Task<void> task) {
    co_await std::move(task);
    co_return true;
  }

  bool encrypted = true;
  std::shared_ptr<WatchOptions> options = std::make_shared<WatchOptions>(
      WatchOptions{.from = net::Networks::parse({"127.0.0.0/8", "::1"}).value(), .token = "the token of a monitor"});
  FakeClock clock;
  FakeUpkeep upkeep;
  bool stuck = false; ///< what is launched does not run
  std::vector<Task<void>> launched;
  Health health{upkeep, [this](Task<void> task) { launched.push_back(std::move(task)); }, clock};
  WatchSite site{{.options = [this] { return options; },
                  .metrics = []() -> Task<std::string> { co_return "paquebot_up 1\n"; },
                  .health = health}};
};

TEST_F(WatchSiteTest, ShowsNumbersToWhomItMay) {
  const auto seen = ask("/metrics");
  EXPECT_EQ(seen.status, 200U);
  EXPECT_EQ(seen.content, "paquebot_up 1\n");
  EXPECT_THAT(seen.fields, ::testing::Contains(http::Field{"Content-Type", std::string(metrics::kTextType)}));
  EXPECT_EQ(ask("/metrics", "::1").status, 200U);
  EXPECT_EQ(ask("/metrics", "192.0.2.1", {{"authorization", "Bearer the-token"}}).status, 404U);
  options->token = "the-token";
  EXPECT_EQ(ask("/metrics", "192.0.2.1", {{"authorization", "Bearer the-token"}}).status, 200U);
  encrypted = false;
  EXPECT_EQ(ask("/metrics", "192.0.2.1", {{"authorization", "Bearer the-token"}}).status, 404U) << "everybody saw it";
  EXPECT_EQ(ask("/metrics").status, 200U);
}

TEST_F(WatchSiteTest, TellsOthersNothing) {
  for (const char* path : {"/metrics", "/livez", "/readyz"}) {
    EXPECT_EQ(ask(path, "192.0.2.1").status, 404U);
    EXPECT_EQ(ask(path, "").status, 404U);
    EXPECT_EQ(ask(path, "192.0.2.1", {}, "POST").status, 404U) << "not even which methods there are";
  }
  options->token.clear();
  EXPECT_EQ(ask("/metrics", "192.0.2.1", {{"authorization", "Bearer "}}).status, 404U) << "no token is no empty token";
}

/// A reverse proxy on the same machine comes from the loopback with what anybody asks.
TEST_F(WatchSiteTest, DoesNotTakeAProxyForTheLoopback) {
  for (const char* name : {"x-forwarded-for", "forwarded", "via", "x-real-ip"})
    EXPECT_EQ(ask("/metrics", "127.0.0.1", {{name, "192.0.2.1"}}).status, 404U) << name;
}

TEST_F(WatchSiteTest, IsOnlyRead) {
  EXPECT_EQ(ask("/metrics", "127.0.0.1", {}, "HEAD").status, 200U);
  EXPECT_EQ(ask("/metrics", "127.0.0.1", {}, "POST").status, 405U);
  EXPECT_EQ(ask("/other").status, 404U);
}

TEST_F(WatchSiteTest, IsReadyWhileTheStoreCommits) {
  EXPECT_EQ(ask("/livez").content, "alive\n");
  EXPECT_EQ(ask("/readyz").content, "ready\n");
  EXPECT_EQ(upkeep.writes, 1U);
  EXPECT_EQ(ask("/readyz").status, 200U);
  EXPECT_EQ(upkeep.writes, 1U) << "however many ask";
  upkeep.outcome = fail(Errc::no_space, "the disk is full");
  clock.advance(Health::kEvery);
  ask("/readyz"); // begins the write that fails
  const auto seen = ask("/readyz");
  EXPECT_EQ(seen.status, 503U);
  EXPECT_EQ(seen.content, "the store does not commit: the disk is full\n");
  EXPECT_EQ(ask("/livez").status, 200U) << "a restart would not help";
  upkeep.outcome = {};
  clock.advance(Health::kEvery);
  ask("/readyz");
  EXPECT_EQ(ask("/readyz").status, 200U);
}

TEST_F(WatchSiteTest, IsNotReadyWhenAWriteDoesNotEnd) {
  stuck = true;
  EXPECT_EQ(ask("/readyz").status, 200U);
  clock.advance(Health::kPatience);
  EXPECT_THAT(ask("/readyz").content, HasSubstr("does not end"));
  EXPECT_EQ(launched.size(), 1U) << "and no second one is begun";
}

TEST_F(WatchSiteTest, IsNotReadyWithoutItsListenersOrAtItsEnd) {
  health.ended("listener [::]:25");
  EXPECT_THAT(health.problems(), ElementsAre("listener [::]:25 has ended"));
  health.listens("listener [::]:25");
  EXPECT_THAT(health.problems(), IsEmpty());
  health.stop();
  EXPECT_THAT(ask("/readyz").content, HasSubstr("about to end"));
}

TEST(ProcessFacts, AreThoseOfThisProcess) {
  std::map<std::string, double> found;
  for (const auto& one : process_gauges("/proc/self")) found[one.name] = one.values.front().value;
  EXPECT_GT(found["process_resident_memory_bytes"], 1e5);
  EXPECT_GE(found["process_virtual_memory_bytes"], found["process_resident_memory_bytes"]);
  EXPECT_GE(found["process_open_fds"], 3);
  EXPECT_GE(found["process_threads"], 1);
  const auto now = static_cast<double>(millis(system_clock().wall())) / 1000;
  EXPECT_LE(found["process_start_time_seconds"], now + 1);
  EXPECT_GT(found["process_start_time_seconds"], now - 24 * 3600) << "no test runs for a day";
  EXPECT_GE(found["process_cpu_seconds_total"], 0);
}

TEST(ProcessFacts, LeaveOutWhatCantBeFoundOut) {
  for (const auto& one : process_gauges("/nowhere"))
    EXPECT_TRUE(one.name == "process_cpu_seconds_total" || one.name == "process_max_fds") << one.name;
}

} // namespace
} // namespace paquebot::service
