#include "delivery/dane.h"
#include "delivery/protection.h"
#include "dns/fake_zone.h"
#include "net/test_support.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace paquebot::delivery {
namespace {

using Kind = DaneFinding::Kind;

constexpr const char* kDigest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// One row: the world, and what is found of mx.far.test, the host of far.test.
struct DaneCase {
  const char* what;
  std::string zone;
  Kind kind = Kind::none;
  std::vector<std::string> names{};       ///< of Kind::records
  std::vector<std::string> never_asked{}; ///< TLSA names
  queue::NextHop next_hop{"far.test", "", true, true};
};

std::string tlsa_at(const std::string& name, const std::string& head = "3 1 1") {
  return name + " TLSA " + head + " " + kDigest + "\n" + name + " SECURE\n";
}

const std::string kHost = "mx.far.test A 192.0.2.1\n";
const std::string kSecureHost = kHost + "mx.far.test SECURE\n";
const std::string kAt = "_25._tcp.mx.far.test";

/// mx.far.test is an alias of mx.host.test.
std::string alias(bool first_secure, bool second_secure) {
  std::string zone = "mx.far.test CNAME mx.host.test\nmx.host.test A 192.0.2.1\n";
  if (first_secure) zone += "mx.far.test SECURE\n";
  if (second_secure) zone += "mx.host.test SECURE\n";
  return zone;
}

std::vector<DaneCase> dane_cases() {
  const std::string beyond = "_25._tcp.mx.host.test";
  std::vector<DaneCase> cases = {
      {"2.2.2: an insecure address: nothing is asked", kHost + tlsa_at(kAt), Kind::none, {}, {kAt}},
      {"2.2.2: nor where the servers would fail at it", kHost + kAt + " SERVFAIL\n", Kind::none, {}, {kAt}},
      {"2.2.3: a secure address, no records", kSecureHost, Kind::none},
      {"2.2.3: records that are not secure count for nothing", kSecureHost + kAt + " TLSA 3 1 1 " + kDigest + "\n"},
      {"3.2.2: base and next hop", kSecureHost + tlsa_at(kAt), Kind::records, {"mx.far.test", "far.test"}},
      {"one secure family is enough",
       "mx.far.test SECURE\nmx.far.test AAAA 2001:db8::1\n" + tlsa_at(kAt),
       Kind::records,
       {"mx.far.test", "far.test"}},
      {"2.1.2: bogus records", kSecureHost + kAt + " BOGUS\n", Kind::unknown},
      {"2.1.2: no answer", kSecureHost + kAt + " TIMEOUT\n", Kind::unknown},
      {"2.1.2: our resolver", kSecureHost + kAt + " OWNFAULT\n", Kind::unknown},
      {"2.2.3: TLSA is an alias: the base stays",
       kSecureHost + kAt + " CNAME _dane.host.test\n" + kAt + " SECURE\n" + tlsa_at("_dane.host.test"),
       Kind::records,
       {"mx.far.test", "far.test"}},
      {"2.2.3: an alias into what is not signed",
       kSecureHost + kAt + " CNAME _dane.host.test\n" + kAt + " SECURE\n_dane.host.test TLSA 3 1 1 " + kDigest + "\n"},
      {"2.2.3: the expanded name first",
       alias(true, true) + tlsa_at(beyond) + tlsa_at(kAt),
       Kind::records,
       {"mx.host.test", "far.test"},
       {kAt}},
      {"2.2.3: then the original", alias(true, true) + tlsa_at(kAt), Kind::records, {"mx.far.test", "far.test"}},
      {"2.2.3: the expanded one's are not secure",
       alias(true, true) + beyond + " TLSA 3 1 1 " + kDigest + "\n" + tlsa_at(kAt),
       Kind::records,
       {"mx.far.test", "far.test"}},
      {"2.1.2: an error at the first is one",
       alias(true, true) + beyond + " TIMEOUT\n" + tlsa_at(kAt),
       Kind::unknown,
       {},
       {kAt}},
      {"2.2.2: a secure alias into what is not signed: the original only",
       alias(true, false) + tlsa_at(beyond) + tlsa_at(kAt),
       Kind::records,
       {"mx.far.test", "far.test"},
       {beyond}},
      {"2.2.2: an insecure alias", alias(false, true) + tlsa_at(beyond) + tlsa_at(kAt), Kind::none, {}, {beyond, kAt}},
      {"3.1.3: PKIX-TA and PKIX-EE can't be used",
       kSecureHost + tlsa_at(kAt, "0 1 1") + kAt + " TLSA 1 1 1 " + kDigest + "\n", Kind::unusable},
      {"6698: unknown numbers, a digest that is none",
       kSecureHost + tlsa_at(kAt, "3 2 1") + kAt + " TLSA 3 1 9 00\n" + kAt + " TLSA 3 1 2 " + kDigest + "\n",
       Kind::unusable},
      {"one that can be used among others",
       kSecureHost + tlsa_at(kAt, "1 1 1") + tlsa_at(kAt),
       Kind::records,
       {"mx.far.test", "far.test"}},
      {"3.2.2: an alias of the domain is a third name",
       kSecureHost + tlsa_at(kAt),
       Kind::records,
       {"mx.far.test", "far.test", "hosted.test"}},
      {"3.2.2: behind an MX that is not signed only the host",
       kSecureHost + tlsa_at(kAt),
       Kind::records,
       {"mx.far.test"}},
      {"3.2.2: no MX: the domain is the host, and an alias",
       alias(true, true) + tlsa_at(beyond),
       Kind::records,
       {"mx.host.test", "mx.far.test"}},
  };
  cases[cases.size() - 3].next_hop.expanded = "hosted.test";
  cases[cases.size() - 2].next_hop = {"far.test", "hosted.test", false, true};
  cases[cases.size() - 1].next_hop = {"mx.far.test", "mx.host.test", true, false};
  return cases;
}

TEST(FindDane, GoesByTheStepsOfRfc7672) {
  for (const DaneCase& row : dane_cases()) {
    net::test::Loop loop;
    const auto zone = dns::FakeZone::parse(row.zone);
    HostAnswers answers(*zone, true, true);
    const DaneFinding found = loop.run(find_dane(answers, "mx.far.test", 25, row.next_hop));
    EXPECT_EQ(found.kind, row.kind) << row.what << ": " << found.why;
    EXPECT_EQ(found.dane.names, row.kind == Kind::records ? row.names : found.dane.names) << row.what;
    EXPECT_EQ(found.why.empty(), row.kind == Kind::records || row.kind == Kind::unusable) << row.what;
    for (const std::string& name : row.never_asked) EXPECT_EQ(zone->questions(name, dns::Type::tlsa), 0u) << row.what;
    EXPECT_LE(zone->questions(), 6u) << row.what;
  }
}

TEST(FindDane, ItsPortIsTheConnections) {
  net::test::Loop loop;
  const auto zone = dns::FakeZone::parse(kSecureHost + tlsa_at("_2525._tcp.mx.far.test"));
  HostAnswers answers(*zone, true, true);
  const queue::NextHop next_hop{"far.test", "", true, true};
  EXPECT_EQ(loop.run(find_dane(answers, "mx.far.test", 2525, next_hop)).kind, Kind::records);
  EXPECT_EQ(loop.run(find_dane(answers, "mx.far.test", 25, next_hop)).kind, Kind::none);
}

TEST(FindDane, HundredsOfRecordsAreNoHarm) {
  net::test::Loop loop;
  std::string text = kSecureHost + tlsa_at(kAt);
  for (int i = 0; i < 255; ++i) text += kAt + " TLSA 3 1 1 " + kDigest + "\n"; // all the same
  const auto zone = dns::FakeZone::parse(text);
  HostAnswers answers(*zone, true, true);
  const queue::NextHop next_hop{"far.test", "", true, true};
  EXPECT_EQ(loop.run(find_dane(answers, "mx.far.test", 25, next_hop)).dane.records.size(), 1u);
}

TEST(SettleNeed, RaisesWhatAHostMustShow) {
  using queue::Need;
  const queue::NextHop sure{"far.test", "", true, true}, unsure{"far.test", "", false, true};
  const DaneFinding records{.kind = Kind::records, .dane = {{"mx.far.test"}, {"r"}}}, bad{.kind = Kind::unusable};
  const Need pkix{.hop = Need::Pkix{"mx.far.test", ""}, .onward = true};
  queue::Candidate one{.host = "mx.far.test"};
  settle_need(one, records, sure);
  EXPECT_EQ(one.need, (Need{.hop = records.dane}));
  EXPECT_EQ(one.asked_by, "DANE");
  queue::Candidate two{.host = "mx.far.test"};
  settle_need(two, records, unsure);
  EXPECT_NE(two.asked_by.find("unsigned MX"), std::string::npos) << "RFC 7672 section 2.2.1: it is no secure delivery";
  queue::Candidate three{.host = "mx.far.test"};
  settle_need(three, bad, sure);
  EXPECT_EQ(three.need, (Need{.hop = Need::Encrypted{}}));
  queue::Candidate four{.host = "mx.far.test", .need = pkix}; // REQUIRETLS
  settle_need(four, records, sure);
  EXPECT_EQ(four.need, (Need{.hop = records.dane, .onward = true}));
  queue::Candidate five{.host = "mx.far.test", .need = pkix};
  settle_need(five, bad, sure);
  EXPECT_EQ(five.need, pkix) << "less is not asked for";
  queue::Candidate six{.host = "mx.far.test"};
  settle_need(six, {}, sure);
  EXPECT_TRUE(six.need.is_any());
  EXPECT_EQ(six.asked_by, "");
}

TEST(Protection, IsTold) {
  using queue::Need;
  const net::TlsInfo clear, good{.version = "TLSv1.3", .authentic = true};
  const net::TlsInfo poor{.version = "TLSv1.2", .flaw = "certificate has expired"};
  const Need any, dane{.hop = Need::Dane{{"mx.far.test"}, {"r"}}}, pkix{.hop = Need::Pkix{"smart.test", ""}};
  EXPECT_EQ(protection({good, dane, "DANE"}, true), "TLSv1.3, DANE");
  EXPECT_EQ(protection({good, any, ""}, true), "TLSv1.3, valid certificate");
  EXPECT_EQ(protection({good, any, ""}, false), "TLSv1.3");
  EXPECT_EQ(protection({good, pkix, ""}, false), "TLSv1.3, certificate checked");
  EXPECT_EQ(protection({poor, any, ""}, true), "TLSv1.2, not authenticated: certificate has expired");
  EXPECT_NE(protection({clear, any, ""}, true).find("in clear: no STARTTLS is offered"), std::string::npos);
  EXPECT_NE(protection({clear, any, "", "TLS failed: x"}, true).find("in clear: TLS failed: x"), std::string::npos);
  EXPECT_EQ(protection({clear, any, ""}, false), "");
  EXPECT_EQ(protection({clear, any, "", "", "", true}, true), "") << "a route says so itself";
  EXPECT_EQ(protection({good, any, "", "", "fulfilled"}, true),
            "TLSv1.3, valid certificate; MTA-STS (testing): fulfilled");
  EXPECT_EQ(testing_verdict(true, good), "fulfilled");
  for (const auto& verdict : {testing_verdict(false, good), testing_verdict(true, clear), testing_verdict(true, poor)})
    EXPECT_NE(verdict.find("would not be sent"), std::string::npos) << verdict;
  EXPECT_EQ(unprotected_because(dane, "DANE", true, ""),
            "not sent: TLS is required (DANE), and the server offers none");
  EXPECT_NE(unprotected_because(dane, "DANE", false, "none fits").find("mx.far.test must fit (DANE): none fits"),
            std::string::npos);
  EXPECT_NE(unprotected_because(pkix, "MTA-STS", false, "").find("certificate for smart.test"), std::string::npos);
}

} // namespace
} // namespace paquebot::delivery
