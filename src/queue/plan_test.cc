#include "dns/resolver.h"
#include "queue/plan.h"

#include <gtest/gtest.h>
#include <tuple>

namespace paquebot::queue {
namespace {

dns::Answer mx(std::vector<std::pair<int, std::string>> hosts) {
  dns::Answer answer{.status = dns::Status::ok};
  for (auto& [preference, host] : hosts)
    answer.records.push_back({.text = host, .preference = static_cast<std::uint16_t>(preference)});
  return answer;
}

std::string hosts(const Plan& plan) {
  std::string all;
  for (const auto& c : plan.candidates) all += (all.empty() ? "" : " ") + c.host;
  return all;
}

TEST(Plan, OrdersByPreferenceAndRotatesEquals) {
  auto answer = mx({{20, "c.example"}, {10, "b.example"}, {10, "a.example"}});
  EXPECT_EQ(hosts(plan({.domain = "example", .mx = &answer, .random = 0})), "a.example b.example c.example");
  EXPECT_EQ(hosts(plan({.domain = "example", .mx = &answer, .random = 1})), "b.example a.example c.example");
}

TEST(Plan, DomainsThatShareTheirBestHostsShareAPlace) {
  auto one = mx({{10, "b.example"}, {10, "a.example"}, {30, "x.example"}});
  auto two = mx({{5, "a.example"}, {5, "b.example"}});
  EXPECT_EQ(plan({.domain = "one", .mx = &one}).place, plan({.domain = "two", .mx = &two}).place);
}

TEST(Plan, HostsAreBoundedAndItSaysSo) {
  std::vector<std::pair<int, std::string>> many;
  for (int i = 0; i < 30; ++i) many.emplace_back(i, "h" + std::to_string(i) + ".example");
  auto all = mx(many);
  EXPECT_EQ(plan({.domain = "example", .mx = &all}).candidates.size(), 30u);
  EXPECT_FALSE(plan({.domain = "example", .mx = &all}).more_hosts);
  many.emplace_back(99, "h99.example");
  auto more = mx(many);
  EXPECT_EQ(plan({.domain = "example", .mx = &more}).candidates.size(), kMaxCandidates);
  EXPECT_TRUE(plan({.domain = "example", .mx = &more}).more_hosts);
}

TEST(Plan, NullMxIsAPermanentNo) {
  auto answer = mx({{0, ""}});
  Plan p = plan({.domain = "example.org", .mx = &answer});
  EXPECT_TRUE(p.candidates.empty());
  EXPECT_EQ(p.failure.code, 556);
  EXPECT_EQ(p.failure.enhanced, (mail::EnhancedCode{5, 1, 10}));
}

TEST(Plan, WhatIsNoHostIsPassedOver) {
  for (const char* odd :
       {"/run/socket", "127.0.0.1", "7", "::1", "localhost/x", "a.example:b.example", "a.example+requiretls",
        "a.example:25", "[127.0.0.1]", "a b", "\xc3\xbc.example", "-a.example", "@a.example"}) {
    auto only = mx({{10, odd}});
    const Plan none = plan({.domain = "example", .mx = &only});
    EXPECT_EQ(hosts(none), "") << odd;
    EXPECT_EQ(none.failure.enhanced, (mail::EnhancedCode{5, 4, 4})) << odd;
    auto beside = mx({{10, odd}, {20, "a.example"}});
    EXPECT_EQ(hosts(plan({.domain = "example", .mx = &beside})), "a.example") << odd;
  }
  auto odd_but_real = mx({{10, "a_b.example"}, {10, "xn--bcher-kva.example"}, {20, "1.2.3.4.example"}, {30, "4host"}});
  EXPECT_EQ(plan({.domain = "example", .mx = &odd_but_real}).candidates.size(), 4u);
}

TEST(Plan, DnsVerdicts) {
  dns::Answer gone{.status = dns::Status::nxdomain}, lame{.status = dns::Status::servfail},
      bare{.status = dns::Status::no_data};
  EXPECT_EQ(plan({.domain = "x.example", .mx = &gone}).failure.code, 550);
  EXPECT_TRUE(plan({.domain = "x.example", .mx = &lame}).failure.transient());
  EXPECT_EQ(plan({.domain = "x.example", .mx = &lame}).cause, Cause::none);
  lame.own_fault = true;
  EXPECT_EQ(plan({.domain = "x.example", .mx = &lame}).cause, Cause::ours);
  EXPECT_EQ(hosts(plan({.domain = "x.example", .mx = &bare})), "x.example");
}

TEST(Plan, LeavesOutOurselvesAndWorse) {
  auto answer = mx({{10, "better.example"}, {20, "US.example"}, {20, "same.example"}, {30, "worse.example"}});
  EXPECT_EQ(hosts(plan({.domain = "d", .mx = &answer, .our_name = "us.example"})), "better.example");
  auto only = mx({{10, "us.example"}});
  EXPECT_EQ(plan({.domain = "d", .mx = &only, .our_name = "us.example"}).failure.code, 554);
}

TEST(Plan, LiteralsAndRoutesNeedNoMx) {
  EXPECT_EQ(hosts(plan({.domain = "[192.0.2.1]"})), "192.0.2.1");
  EXPECT_EQ(hosts(plan({.domain = "[IPv6:2001:db8::1]"})), "2001:db8::1");
  Route route{.name = "isp", .to = "*", .host = "smtp.isp.example", .port = 465, .tls = RouteTls::implicit};
  Plan p = plan({.domain = "example.org", .route = &route});
  EXPECT_EQ(hosts(p), "smtp.isp.example");
  EXPECT_EQ(p.place, "route:isp");
  EXPECT_EQ(p.candidates[0].tls, TlsStart::at_once);
  EXPECT_EQ(p.candidates[0].need, (Need{.hop = Need::Pkix{"smtp.isp.example", ""}}));
}

TEST(Plan, IsBounded) {
  std::vector<std::pair<int, std::string>> many;
  for (int i = 0; i < 300; ++i) many.emplace_back(i, "h" + std::to_string(i) + ".example");
  auto answer = mx(many);
  EXPECT_EQ(plan({.domain = "d", .mx = &answer}).candidates.size(), kMaxCandidates);
}

/// RFC 8689 section 4.2.1.
TEST(Plan, RequireTlsWantsSureNamesAndCheckedCertificates) {
  auto answer = mx({{10, "a.example"}});
  Plan unsure = plan({.domain = "example", .mx = &answer, .require_tls = true});
  EXPECT_TRUE(unsure.candidates.empty());
  EXPECT_EQ(unsure.failure.code, 550);
  EXPECT_EQ(unsure.failure.enhanced, (mail::EnhancedCode{5, 7, 30}));
  EXPECT_EQ(unsure.cause, Cause::unprotected);
  answer.secure = true;
  Plan sure = plan({.domain = "example", .mx = &answer, .require_tls = true});
  EXPECT_EQ(hosts(sure), "a.example");
  const Need need{.hop = Need::Pkix{"a.example", ""}, .onward = true};
  EXPECT_EQ(sure.candidates[0].need, need);
  EXPECT_EQ(sure.candidates[0].tls, TlsStart::offered);
  const Plan other = plan({.domain = "example", .mx = &answer});
  EXPECT_EQ(sure.place, other.place) << "limits are shared; connections by what they have shown";
  EXPECT_TRUE(other.candidates[0].need.is_any());
}

TEST(Plan, RequireTlsRaisesWhatARouteAsksFor) {
  const std::pair<RouteTls, TlsStart> cases[] = {{RouteTls::none, TlsStart::offered},
                                                 {RouteTls::opportunistic, TlsStart::offered},
                                                 {RouteTls::required, TlsStart::offered},
                                                 {RouteTls::implicit, TlsStart::at_once}};
  for (const auto& [configured, wanted] : cases) {
    Route route{.name = "isp", .host = "smtp.isp.example", .tls = configured, .verify = false, .ca_pem = "CA"};
    const Candidate host = plan({.route = &route, .require_tls = true}).candidates.at(0);
    EXPECT_EQ(host.tls, wanted);
    EXPECT_EQ(host.need, (Need{.hop = Need::Pkix{"smtp.isp.example", "CA"}, .onward = true}));
    EXPECT_FALSE(plan({.route = &route}).candidates.at(0).need.onward);
  }
}

TEST(Plan, SaysByWhatNamesItsHostsWereFound) {
  auto answer = mx({{10, "a.example"}});
  answer.secure = true;
  answer.canonical = "hosted.example";
  const Plan named = plan({.domain = "example", .mx = &answer, .dane = true});
  ASSERT_TRUE(named.next_hop);
  EXPECT_TRUE(named.dane);
  EXPECT_EQ(named.next_hop->name, "example");
  EXPECT_EQ(named.next_hop->expanded, "hosted.example");
  EXPECT_TRUE(named.next_hop->secure && named.next_hop->through_mx);
  EXPECT_FALSE(plan({.domain = "example", .mx = &answer}).dane);
  dns::Answer none{.status = dns::Status::no_data};
  const Plan implicit = plan({.domain = "example", .mx = &none, .dane = true});
  ASSERT_TRUE(implicit.next_hop);
  EXPECT_FALSE(implicit.next_hop->through_mx);
  EXPECT_FALSE(plan({.domain = "[192.0.2.1]", .dane = true}).next_hop);
  const Route route{.name = "isp", .host = "smtp.isp.example"};
  EXPECT_FALSE(plan({.domain = "example", .route = &route, .dane = true}).next_hop);
}

/// RFC 8461 sections 4 and 5.
TEST(Plan, APolicySaysWhichHostsCount) {
  using std::chrono_literals::operator""s;
  auto answer = mx({{10, "a.example"}, {20, "b.example"}});
  const StsPolicy enforce{StsMode::enforce, {"b.example"}, 1s}, other{StsMode::enforce, {"c.example"}, 1s},
      testing{StsMode::testing, {"b.example"}, 1s}, none{StsMode::none, {}, 1s};
  const Plan named = plan({.domain = "example", .mx = &answer, .sts = &enforce});
  EXPECT_EQ(hosts(named), "b.example");
  EXPECT_EQ(named.candidates[0].need, (Need{.hop = Need::Pkix{"b.example", ""}}));
  EXPECT_EQ(named.candidates[0].asked_by, "MTA-STS");
  const Plan nobody = plan({.domain = "example", .mx = &answer, .sts = &other});
  EXPECT_TRUE(nobody.candidates.empty());
  EXPECT_EQ(nobody.failure.code, 451) << "the policy may be old: it waits";
  EXPECT_EQ(nobody.failure.enhanced, (mail::EnhancedCode{4, 7, 5}));
  const Plan tried = plan({.domain = "example", .mx = &answer, .sts = &testing});
  ASSERT_EQ(tried.candidates.size(), 2u);
  EXPECT_TRUE(tried.candidates[0].need.is_any());
  EXPECT_TRUE(tried.candidates[0].sts_testing && !tried.candidates[0].sts_named && tried.candidates[1].sts_named);
  const Plan free = plan({.domain = "example", .mx = &answer, .sts = &none});
  EXPECT_EQ(free.candidates.size(), 2u);
  EXPECT_FALSE(free.candidates[0].sts_testing);
  // Its names are as sure as those under DNSSEC (RFC 8689 section 4.2.1).
  const Plan required = plan({.domain = "example", .mx = &answer, .require_tls = true, .sts = &enforce});
  EXPECT_EQ(hosts(required), "b.example");
  EXPECT_TRUE(required.candidates[0].need.onward);
  EXPECT_TRUE(plan({.domain = "example", .mx = &answer, .require_tls = true, .sts = &testing}).candidates.empty());
}

TEST(Plan, ARouteSaysWhatItsHostMustShow) {
  const Need::Pkix named{"smtp.isp.example", ""};
  const std::tuple<RouteTls, bool, TlsStart, Need> cases[] = {
      {RouteTls::none, true, TlsStart::never, {}},
      {RouteTls::opportunistic, true, TlsStart::offered, {}},
      {RouteTls::required, false, TlsStart::offered, {.hop = Need::Encrypted{}}},
      {RouteTls::required, true, TlsStart::offered, {.hop = named}},
      {RouteTls::implicit, false, TlsStart::at_once, {.hop = Need::Encrypted{}}},
      {RouteTls::implicit, true, TlsStart::at_once, {.hop = named}},
  };
  for (const auto& [tls, verify, start, need] : cases) {
    const Route route{.name = "isp", .host = "smtp.isp.example", .tls = tls, .verify = verify};
    const Candidate host = plan({.route = &route}).candidates.at(0);
    EXPECT_EQ(host.tls, start);
    EXPECT_EQ(host.need, need);
  }
}

} // namespace
} // namespace paquebot::queue
