#include "dns/wire.h"
#include "doctor/test_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::doctor {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kRight = R"(
mx.example.test           A    192.0.2.7
7.2.0.192.in-addr.arpa    PTR  mx.example.test
)";

TEST(DoctorResolver, Stands) {
  TestWorld test;
  EXPECT_THAT(test.worst("resolver"), StartsWith("unknown: "));
  test.world.machine.resolver = dns::UpstreamState{.stand = dns::Stand::validating, .why = "", .seen = {}};
  EXPECT_THAT(test.worst("resolver"), StartsWith("good: "));
  test.world.machine.resolver->stand = dns::Stand::without;
  EXPECT_THAT(test.worst("resolver"), StartsWith("warning: Your resolver does not validate"));
  test.world.machine.resolver->stand = dns::Stand::off;
  EXPECT_THAT(test.worst("resolver"), StartsWith("warning: "));
  test.world.machine.resolver->stand = dns::Stand::failing;
  EXPECT_THAT(test.worst("resolver"), StartsWith("wrong: "));
}

TEST(DoctorResolver, IsLookedAtWhereNobodyHasYet) {
  TestWorld test;
  int looks = 0;
  test.world.look_at_resolver = [&]() -> Task<dns::UpstreamState> {
    ++looks;
    co_return dns::UpstreamState{.stand = dns::Stand::without, .why = "no signatures", .seen = {}};
  };
  EXPECT_THAT(test.worst("resolver"), HasSubstr("does not validate: no signatures"));
  test.world.machine.resolver = dns::UpstreamState{.stand = dns::Stand::validating, .why = "", .seen = {}};
  EXPECT_THAT(test.worst("resolver"), StartsWith("good: "));
  EXPECT_EQ(looks, 1);
}

TEST(DoctorName, Right) {
  TestWorld test(kRight);
  for (const Finding& one : test.run("name")) EXPECT_EQ(one.level, Level::good) << one.seen;
}

TEST(DoctorName, WithoutAName) {
  TestWorld test("mx.example.test A 192.0.2.7");
  const auto findings = test.run("name");
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[1].level, Level::wrong);
  EXPECT_EQ(findings[1].seen, "192.0.2.7 has no name (PTR).");
  EXPECT_THAT(findings[1].advice, HasSubstr("mx.example.test"));
}

TEST(DoctorName, AnotherName) {
  TestWorld test("mx.example.test A 192.0.2.7\n7.2.0.192.in-addr.arpa PTR host7.provider.test");
  EXPECT_EQ(test.worst("name"), "warning: The name of 192.0.2.7 is host7.provider.test, not mx.example.test.");
}

TEST(DoctorName, LeadsNowhere) {
  TestWorld test("example.test TXT x");
  const auto findings = test.run("name");
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings[0].level, Level::wrong);
  ASSERT_EQ(findings[0].records.size(), 1U);
  EXPECT_EQ(findings[0].records[0].zone, "mx.example.test. IN A 192.0.2.7");
}

TEST(DoctorName, LeadsElsewhere) {
  TestWorld test("mx.example.test A 192.0.2.99");
  EXPECT_THAT(test.worst("name"), HasSubstr("which is not an address of this machine"));
  test.world.machine.sources = {"10.0.0.5"}; // behind a router nobody can tell
  test.zone->add("99.2.0.192.in-addr.arpa", dns::Type::ptr, {"mx.example.test"});
  EXPECT_THAT(test.worst("name"), StartsWith("unknown: "));
}

TEST(DoctorName, PrivateAndSilent) {
  TestWorld inside("mx.example.test A 10.0.0.5");
  EXPECT_THAT(inside.worst("name"), HasSubstr("which nobody outside reaches"));
  TestWorld silent("mx.example.test SERVFAIL");
  EXPECT_THAT(silent.worst("name"), StartsWith("unknown: "));
  TestWorld nobody;
  nobody.world.zone = nullptr;
  EXPECT_THAT(nobody.worst("name"), StartsWith("unknown: "));
  TestWorld one_label;
  one_label.world.machine.hostname = "localhost";
  EXPECT_THAT(one_label.worst("name"), StartsWith("wrong: "));
}

TEST(DoctorName, SendsFromElsewhere) {
  TestWorld test(std::string(kRight) + "\n8.2.0.192.in-addr.arpa PTR mx.example.test");
  test.world.machine.sources = {"192.0.2.8"};
  EXPECT_EQ(test.worst("name"), "warning: Mail leaves from 192.0.2.8, to which mx.example.test does not lead.");
}

struct ListCase {
  const char* answer;
  Level level;
  const char* words;
};

TEST(DoctorLists, WhatTheySay) {
  const ListCase cases[] = {
      {"", Level::good, "is not on the block list"},
      {"7.2.0.192.list.test A 127.0.0.4\n7.2.0.192.list.test TXT \"sent spam\"", Level::wrong, "sent spam"},
      {"7.2.0.192.list.test A 127.255.255.254", Level::unknown, "refuses your resolver"},
      {"7.2.0.192.list.test A 198.51.100.1", Level::unknown, "no answer of a list"},
      {"7.2.0.192.list.test SERVFAIL", Level::unknown, "does not answer"},
  };
  for (const ListCase& one : cases) {
    TestWorld test(std::string("mx.example.test A 192.0.2.7\n2.0.0.127.list.test A 127.0.0.2\n") + one.answer);
    test.world.options.lists = {"list.test"};
    const auto findings = test.run("block-lists");
    ASSERT_EQ(findings.size(), 1U) << one.answer;
    EXPECT_EQ(findings[0].level, one.level) << findings[0].seen;
    EXPECT_THAT(findings[0].seen, HasSubstr(one.words));
  }
}

TEST(DoctorLists, OneThatAnswersNothingIsNotGood) {
  TestWorld test(kRight);
  test.world.options.lists = {"dead.test"};
  EXPECT_THAT(test.worst("block-lists"), StartsWith("unknown: The list dead.test does not answer"));
  test.world.options.lists.clear();
  EXPECT_THAT(test.worst("block-lists"), StartsWith("unknown: "));
}

/// Greets who is in the list.
std::function<Task<Result<std::string>>(net::Endpoint, std::chrono::milliseconds)> only(std::string address) {
  return [address](net::Endpoint to, std::chrono::milliseconds) -> Task<Result<std::string>> {
    if (to.to_string() != address) co_return fail(Errc::timeout, "it did not answer in time");
    co_return std::string("220 mx ready");
  };
}

TEST(DoctorPortOut, OneThatAnswersIsEnough) {
  TestWorld test(
      "one.test MX 10 mx.one.test\nmx.one.test A 198.51.100.1\ntwo.test MX 10 mx.two.test\nmx.two.test A 198.51.100.2");
  test.world.options.providers = {"one.test", "two.test"};
  EXPECT_THAT(test.worst("port-25-out"), StartsWith("unknown: ")); // nobody can greet from here
  test.world.greet = only("198.51.100.2:25");
  EXPECT_THAT(test.worst("port-25-out"), StartsWith("good: mx.two.test answers on port 25"));
  test.world.greet = only("nobody");
  const auto findings = test.run("port-25-out");
  EXPECT_EQ(findings[0].level, Level::wrong);
  EXPECT_THAT(findings[0].means, HasSubstr("blocked on the way, not here"));
  EXPECT_THAT(findings[0].advice, HasSubstr("[[route]]"));
}

TEST(DoctorPortOut, ThroughASmarthost) {
  TestWorld test("smtp.provider.test A 198.51.100.9");
  test.world.machine.smarthost = Smarthost{"provider", "smtp.provider.test", 587};
  test.world.greet = only("198.51.100.9:587");
  EXPECT_THAT(test.worst("port-25-out"), StartsWith("good: "));
  test.world.greet = only("nobody");
  EXPECT_THAT(test.worst("port-25-out"), HasSubstr("The server that all mail goes through does not answer"));
}

TEST(DoctorPortOut, NoNamesNoFinding) {
  TestWorld test("one.test SERVFAIL");
  test.world.options.providers = {"one.test"};
  test.world.greet = only("nobody");
  EXPECT_THAT(test.worst("port-25-out"), StartsWith("unknown: "));
}

TEST(DoctorPortsIn, Evidence) {
  TestWorld test;
  EXPECT_THAT(test.worst("ports-in"), StartsWith("unknown: "));
  ListenerFacts mx{.role = "mx", .bound = {"0.0.0.0", 25}, .tls = ListenerFacts::Tls::starttls};
  test.world.machine.listeners = {mx};
  EXPECT_THAT(test.worst("ports-in"), HasSubstr("Nobody from outside has come to port 25"));
  test.world.machine.listeners->front().outside = millis(test.clock.wall()) - 120'000;
  EXPECT_EQ(test.worst("ports-in"), "good: Somebody outside reached port 25 (mx) 2 minutes ago.");
  test.world.machine.listeners->front().bound.address = "127.0.0.1";
  EXPECT_THAT(test.worst("ports-in"), StartsWith("warning: "));
  test.world.machine.listeners->clear();
  EXPECT_EQ(test.worst("ports-in"), "warning: There is no listener with the role mx.");
}

TEST(DoctorClock, Stands) {
  TestWorld test("time.test A 198.51.100.3");
  EXPECT_THAT(test.worst("clock"), StartsWith("unknown: "));
  test.world.machine.clock = ClockFacts{.trusted = true, .synchronised = false};
  EXPECT_THAT(test.worst("clock"), StartsWith("unknown: "));
  test.world.machine.clock->synchronised = true;
  EXPECT_THAT(test.worst("clock"), StartsWith("good: "));
  test.world.machine.clock->trusted = false;
  EXPECT_THAT(test.worst("clock"), StartsWith("wrong: The clock is doubted"));
}

TEST(DoctorClock, AgainstAServer) {
  TestWorld test("time.test A 198.51.100.3");
  auto ahead = -540'000ms;
  test.world.options.time_server = "time.test";
  test.world.clock_error = [&](net::Endpoint) -> Task<Result<std::chrono::milliseconds>> { co_return ahead; };
  const auto findings = test.run("clock");
  EXPECT_EQ(findings[0].seen, "The clock is 9 minutes slow by time.test.");
  EXPECT_THAT(findings[0].means, HasSubstr("tokens fail"));
  ahead = 7000ms;
  EXPECT_THAT(test.worst("clock"), StartsWith("note: "));
  ahead = 20ms;
  EXPECT_THAT(test.worst("clock"), StartsWith("good: "));
}

TEST(DoctorCaa, Climbs) {
  TestWorld test("example.test CAA 0 issue ca.example.net");
  EXPECT_THAT(test.worst("caa"), HasSubstr("example.test says who may issue certificates: 0 issue ca.example.net"));
  test.zone->remove("example.test");
  EXPECT_THAT(test.worst("caa"), StartsWith("good: "));
  test.zone->fail("mx.example.test", dns::Status::servfail);
  EXPECT_THAT(test.worst("caa"), StartsWith("unknown: "));
}

TEST(DoctorCaa, ComparedWithTheAuthority) {
  TestWorld test("mx.example.test CAA 0 issue example.net; account=1\nmx.example.test CAA 0 issuewild other.test");
  const auto stands = [&](const char* authority) {
    test.world.machine.authority = authority;
    return test.worst("caa");
  };
  EXPECT_THAT(stands("https://acme-v02.ca.example.net:14000/directory"), StartsWith("good: "));
  EXPECT_THAT(stands("https://example.net/directory"), StartsWith("good: "));
  EXPECT_THAT(stands("https://badexample.net/directory"), StartsWith("warning: "));
  EXPECT_THAT(stands("https://other.test/directory"), StartsWith("warning: "));
  EXPECT_THAT(stands(""), StartsWith("note: ")) << "nothing is ordered";
  EXPECT_THAT(test.run("caa")[0].means, HasSubstr("issues none for mx.example.test"));
  test.zone->remove("mx.example.test");
  test.zone->add("mx.example.test", dns::kCaa, {"0 issue ;"});
  EXPECT_THAT(stands("https://example.net/directory"), StartsWith("warning: ")) << "nobody may";
  test.zone->remove("mx.example.test");
  test.zone->add("mx.example.test", dns::kCaa, {"0 iodef mailto:a@example.test"});
  test.zone->add("mx.example.test", dns::kCaa, {"0 issue sectigo.com"});
  EXPECT_THAT(stands("https://acme.zerossl.com/v2/DV90"), StartsWith("good: "));
  test.zone->remove("mx.example.test");
  test.zone->add("mx.example.test", dns::kCaa, {"0 issuewild other.test"});
  EXPECT_THAT(stands("https://example.net/directory"), StartsWith("note: ")) << "it says nothing of this name";
}

TEST(DoctorWords, AddressesOfOthers) {
  for (const char* address :
       {"10.1.2.3", "127.0.0.1", "192.168.0.1", "fe80::1", "fd00::1", "::1", "100.64.0.1", "0.0.0.0"})
    EXPECT_FALSE(is_public(address)) << address;
  for (const char* address : {"192.0.2.7", "8.8.8.8", "2001:db8::1", "172.32.0.1"})
    EXPECT_TRUE(is_public(address)) << address;
  EXPECT_FALSE(is_public("nonsense"));
}

} // namespace
} // namespace paquebot::doctor
