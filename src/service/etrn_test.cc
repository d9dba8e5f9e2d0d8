#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "service/etrn.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using directory::run_task;

class EtrnTest : public testing::Test {
protected:
  void SetUp() override {
    auto opened = store::open_store(home_.path().string(), {.clock = &clock_});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    queue::Options options;
    options.routes = queue::RouteTable(std::vector<queue::Route>{{.name = "isp", .to = "routed.example"}});
    queue_ = std::make_unique<queue::Queue>(*store_, clock_, options);
    etrn_ = std::make_unique<Etrn>(store_->queue(), *queue_, clock_);
  }

  /// Something that waits for a long time yet.
  void waits(const std::string& destination, std::int64_t hold = 0) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = ids_.next();
    request->accepted_at = millis(clock_.wall());
    request->expires_at = request->accepted_at + 1'000'000'000;
    request->sender.hold.until = hold;
    request->head = "Subject: x\r\n\r\n";
    store::NewRecipient row;
    row.address = "a@" + destination;
    row.destination = destination;
    row.due = request->accepted_at + 3'600'000;
    request->recipients = {row};
    const auto result = run_task(store_->acceptance().accept(request));
    ASSERT_EQ(result.status, store::AcceptStatus::accepted) << result.why;
  }

  std::string start(char option, const std::string& node, const std::string& who = "ann@example.org") {
    return run_task(etrn_->start({option, node, who})).to_string();
  }

  directory::TestDirectory home_;
  FakeClock clock_;
  UlidSource ids_{clock_};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<queue::Queue> queue_;
  std::unique_ptr<Etrn> etrn_;
};

TEST_F(EtrnTest, StartsWhatIsMeant) {
  for (const char* key : {"far.example", "a.far.example", "b.a.far.example", "nearfar.example", "route:isp"})
    waits(key);
  EXPECT_EQ(start(0, "other.example"), "251 2.0.0 no messages waiting for node other.example");
  EXPECT_EQ(start('#', "far.example"), "251 2.0.0 no messages waiting for node #far.example");
  EXPECT_EQ(start(0, "far.example"), "253 2.0.0 1 pending messages for node far.example started");
  EXPECT_EQ(start('@', "far.example"), "253 2.0.0 3 pending messages for node @far.example started");
  EXPECT_EQ(start('#', "isp"), "253 2.0.0 1 pending messages for node #isp started");
  EXPECT_EQ(start(0, "routed.example"), "253 2.0.0 1 pending messages for node routed.example started");
  EXPECT_EQ(run_task(store_->queue().earliest_due("far.example")).value_or(0), millis(clock_.wall()));
  EXPECT_GT(run_task(store_->queue().earliest_due("nearfar.example")).value_or(0), millis(clock_.wall()));
}

TEST_F(EtrnTest, LeavesWhatItsSenderWantsHeld) {
  waits("far.example", millis(clock_.wall()) + 3'600'000);
  EXPECT_EQ(start(0, "far.example").substr(0, 3), "251");
}

TEST_F(EtrnTest, IsBoundedForEachClient) {
  for (unsigned i = 0; i < Etrn::kPerMinute; ++i) EXPECT_EQ(start(0, "far.example").substr(0, 3), "251");
  EXPECT_EQ(start(0, "far.example").substr(0, 9), "458 4.3.0");
  EXPECT_EQ(start(0, "far.example", "[192.0.2.1]").substr(0, 3), "251");
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(start(0, "far.example").substr(0, 3), "251");
}

} // namespace
} // namespace paquebot::service
