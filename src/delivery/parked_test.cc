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
    route_.ca_pem = "CA";
    plan_.candidates = {{"smart.example", 587}};
    plan_.place = "route:r";
    plan_.tls = queue::RouteTls::required;
    plan_.verify = true;
    plan_.route = &route_;
  }

  std::unique_ptr<Peer> peer() {
    auto pair = loop_.pair();
    PeerIdentity identity{"smart.example [192.0.2.1]:587", "smart.example", "[192.0.2.1]:587", 587, terms_of(plan_)};
    return std::make_unique<Peer>(std::move(pair.left), smtp::ClientOptions(), false, std::move(identity), nullptr);
  }

  /// Whether a connection that was made under plan_ may be used once `change` was made to the plan.
  bool usable(const std::function<void(queue::Plan&, queue::Route&)>& change) {
    Parked parked;
    EXPECT_FALSE(parked.keep(plan_.place, peer(), {}));
    queue::Route route = route_;
    queue::Plan plan = plan_;
    plan.route = &route;
    change(plan, route);
    return parked.take(plan) != nullptr;
  }

  net::test::Loop loop_;
  queue::Route route_;
  queue::Plan plan_;
};

TEST_F(ParkedTest, AConnectionIsUsedUnderTheTermsThatItWasMadeUnder) {
  using queue::Plan, queue::Route;
  EXPECT_TRUE(usable([](Plan&, Route&) {}));
  EXPECT_TRUE(
      usable([](Plan& plan, Route&) { plan.candidates.insert(plan.candidates.begin(), {"other.example", 25}); }));
  const std::vector<std::function<void(Plan&, Route&)>> tightened = {
      [](Plan& plan, Route&) { plan.tls = queue::RouteTls::implicit; },
      [](Plan& plan, Route&) { plan.verify = false; },
      [](Plan& plan, Route&) { plan.require_tls = true; },
      [](Plan& plan, Route&) { plan.lmtp = true; },
      [](Plan&, Route& route) { route.user = "you"; },
      [](Plan&, Route& route) { route.password = "other"; },
      [](Plan&, Route& route) { route.ca_pem = "another CA"; },
      [](Plan& plan, Route&) { plan.route = nullptr; },
      [](Plan& plan, Route&) { plan.candidates = {{"smart.example", 465}}; },
      [](Plan& plan, Route&) { plan.candidates = {{"other.example", 587}}; },
      [](Plan& plan, Route&) { plan.place = "route:s"; },
  };
  for (std::size_t i = 0; i < tightened.size(); ++i) EXPECT_FALSE(usable(tightened[i])) << i;
}

} // namespace
} // namespace paquebot::delivery
