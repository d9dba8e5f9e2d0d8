#include "delivery/parked.h"
#include "net/test_support.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

class ParkedTest : public testing::Test {
protected:
  ParkedTest() {
    route_.name = "r";
    route_.host = "smart.example";
    route_.user = "me";
    route_.password = "secret";
    plan_.candidates = {{.host = "smart.example", .port = 587, .need = {.hop = Need::Pkix{"smart.example", "CA"}}}};
    plan_.place = "route:r";
    plan_.route = &route_;
  }

  using Need = queue::Need;

  std::unique_ptr<Peer> peer() {
    auto pair = loop_.pair();
    PeerIdentity identity{"smart.example [192.0.2.1]:587", "smart.example", "[192.0.2.1]:587", 587,
                          plan_.candidates[0].need,        terms_of(plan_)};
    auto made =
        std::make_unique<Peer>(std::move(pair.left), smtp::ClientOptions(), encrypted_, std::move(identity), nullptr);
    if (encrypted_) made->set_tls({.version = "TLSv1.3"});
    return made;
  }

  /// Whether a connection that was made under plan_ may be used once `change` was made to the plan.
  bool usable(const std::function<void(queue::Plan&, queue::Route&)>& change) {
    Parked parked;
    EXPECT_FALSE(parked.keep(plan_.place, peer(), {}));
    queue::Route route = route_;
    queue::Plan plan = plan_;
    plan.route = &route;
    change(plan, route);
    Needs needs;
    for (const queue::Candidate& host : plan.candidates) needs[host.host] = host;
    return parked.take(plan, needs) != nullptr;
  }

  bool encrypted_ = true;
  net::test::Loop loop_;
  queue::Route route_;
  queue::Plan plan_;
};

using queue::Plan, queue::Route;

TEST_F(ParkedTest, AConnectionTellsOfWhomItServesNow) {
  Parked parked;
  auto made = peer();
  EXPECT_EQ(made->protection_words().find("MTA-STS"), std::string::npos);
  parked.keep(plan_.place, std::move(made), {});
  Plan plan = plan_;
  plan.route = &route_;
  Needs needs;
  for (queue::Candidate& host : plan.candidates) {
    host.asked_by = "MTA-STS";
    needs[host.host] = host;
  }
  auto taken = parked.take(plan, needs);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->protection_words(), "TLSv1.3, MTA-STS") << "this destination asks, whoever it was made for";
  parked.keep(plan_.place, std::move(taken), {});
  for (queue::Candidate& host : plan.candidates) {
    host.asked_by.clear();
    host.need = {};
    host.sts_testing = true;
    needs[host.host] = host;
  }
  taken = parked.take(plan, needs);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->protection_words().find("TLSv1.3, MTA-STS"), std::string::npos) << "and this one does not";
  EXPECT_NE(taken->protection_words().find("MTA-STS (testing)"), std::string::npos);
}

TEST_F(ParkedTest, AConnectionIsUsedUnderTheTermsThatItWasMadeUnder) {
  EXPECT_TRUE(usable([](Plan&, Route&) {}));
  EXPECT_TRUE(
      usable([](Plan& plan, Route&) { plan.candidates.insert(plan.candidates.begin(), {.host = "other.example"}); }));
  const std::vector<std::function<void(Plan&, Route&)>> tightened = {
      [](Plan& plan, Route&) { plan.lmtp = true; },
      [](Plan&, Route& route) { route.user = "you"; },
      [](Plan&, Route& route) { route.password = "other"; },
      [](Plan& plan, Route&) { plan.route = nullptr; },
      [](Plan& plan, Route&) { plan.candidates[0].port = 465; },
      [](Plan& plan, Route&) { plan.candidates[0].host = "other.example"; },
      [](Plan& plan, Route&) { plan.place = "route:s"; },
  };
  for (std::size_t i = 0; i < tightened.size(); ++i) EXPECT_FALSE(usable(tightened[i])) << i;
}

TEST_F(ParkedTest, AConnectionIsUsedForWhatItHasShown) {
  const auto needs = [](Need need) { return [need](Plan& plan, Route&) { plan.candidates[0].need = need; }; };
  EXPECT_TRUE(usable(needs({})));
  EXPECT_TRUE(usable(needs({.hop = Need::Encrypted{}})));
  EXPECT_FALSE(usable(needs({.hop = Need::Pkix{"smart.example", "another CA"}})));
  EXPECT_FALSE(usable(needs({.hop = Need::Pkix{"smart.example", "CA"}, .onward = true})));
  EXPECT_FALSE(usable([&](Plan& plan, Route&) { // what another host of the plan needs is not asked
    plan.candidates.push_back({.host = "other.example"});
    plan.candidates[0].need.hop = Need::Pkix{"else.example", "CA"};
  }));
  encrypted_ = false;
  EXPECT_TRUE(usable(needs({})));
  EXPECT_FALSE(usable(needs({.hop = Need::Encrypted{}})));
  EXPECT_FALSE(usable([](Plan&, Route&) {})) << "in clear nobody has shown anything";
}

} // namespace
} // namespace paquebot::delivery
