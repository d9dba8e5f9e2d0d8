#include "acme/certificate.h"
#include "acme/test_issuer.h"
#include "doctor/test_world.h"
#include "mailauth/dkim_key.h"
#include "net/certificate_trust.h"
#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::doctor {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kDomain = "example.test";
constexpr const char* kHost = "mx.example.test A 192.0.2.7\n";

TEST(DoctorMx, Stands) {
  TestWorld right(std::string(kHost) + "example.test MX 10 mx.example.test");
  EXPECT_EQ(right.worst("mx", kDomain), "good: MX of example.test leads to mx.example.test.");
  TestWorld none(kHost);
  const auto findings = none.run("mx", kDomain);
  EXPECT_EQ(findings[0].level, Level::wrong);
  ASSERT_EQ(findings[0].records.size(), 1U);
  EXPECT_EQ(findings[0].records[0].zone, "example.test. IN MX 10 mx.example.test.");
  TestWorld other("example.test MX 10 mx.provider.test\nmx.provider.test A 198.51.100.1");
  EXPECT_EQ(other.worst("mx", kDomain), "wrong: MX of example.test leads to mx.provider.test, not to mx.example.test.");
  TestWorld both(std::string(kHost) + "example.test MX 10 mx.example.test\nexample.test MX 20 gone.test");
  EXPECT_EQ(both.worst("mx", kDomain), "wrong: MX of example.test names gone.test, which has no address.");
  TestWorld silent("example.test SERVFAIL");
  EXPECT_THAT(silent.worst("mx", kDomain), StartsWith("unknown: "));
  TestWorld forged("example.test BOGUS");
  EXPECT_THAT(forged.worst("mx", kDomain), HasSubstr("its signatures are wrong"));
}

TestWorld with_spf(const std::string& text, const std::string& more = {}) {
  return TestWorld(std::string(kHost) +
                   "mx.example.test TXT \"v=spf1 a -all\"\nexample.test MX 10 mx.example.test\nexample.test TXT \"" +
                   text + "\"\n" + more);
}

TEST(DoctorSpf, Right) {
  TestWorld test = with_spf("v=spf1 mx -all");
  EXPECT_EQ(test.worst("spf", kDomain), "good: SPF of example.test lets 192.0.2.7 send.");
}

TEST(DoctorSpf, OfTheHost) {
  TestWorld test = with_spf("v=spf1 mx -all");
  test.zone->remove("mx.example.test");
  test.zone->add("mx.example.test", dns::Type::a, {"192.0.2.7"});
  const auto findings = test.run("spf", kDomain);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[1].level, Level::note);
  EXPECT_EQ(findings[1].records[0].value, "v=spf1 a -all");
}

TEST(DoctorSpf, Missing) {
  TestWorld test(kHost);
  const auto findings = test.run("spf", kDomain);
  EXPECT_EQ(findings[0].level, Level::wrong);
  EXPECT_EQ(findings[0].records[0].value, "v=spf1 mx -all");
}

TEST(DoctorSpf, LeavesUsOut) {
  TestWorld test = with_spf("v=spf1 ip4:198.51.100.1 -all");
  const auto findings = test.run("spf", kDomain);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].seen, StartsWith("SPF of example.test does not let 192.0.2.7 send: fail"));
  EXPECT_EQ(findings[0].records[0].value, "v=spf1 ip4:198.51.100.1 ip4:192.0.2.7 -all");
}

TEST(DoctorSpf, TooManyLookups) {
  std::string terms, zone;
  for (int i = 0; i < 11; ++i) {
    const std::string name = "i" + std::to_string(i) + ".test";
    terms += "include:" + name + " ";
    zone += name + " TXT \"v=spf1 ip4:198.51.100." + std::to_string(i) + " -all\"\n";
  }
  TestWorld test = with_spf("v=spf1 ip4:192.0.2.7 " + terms + "-all", zone);
  EXPECT_EQ(test.worst("spf", kDomain), "wrong: The SPF record of example.test needs 11 look-ups; 10 are the most.");
}

TEST(DoctorSpf, Broken) {
  TestWorld twice = with_spf("v=spf1 mx -all", "example.test TXT \"v=spf1 -all\"");
  EXPECT_EQ(twice.worst("spf", kDomain), "wrong: example.test has 2 SPF records.");
  TestWorld nonsense = with_spf("v=spf1 nonsense:x -all");
  EXPECT_THAT(nonsense.worst("spf", kDomain), HasSubstr("can't be read"));
  TestWorld anybody = with_spf("v=spf1 +all");
  EXPECT_THAT(anybody.worst("spf", kDomain), HasSubstr("lets anybody send"));
  TestWorld hanging = with_spf("v=spf1 mx include:gone.test -all");
  EXPECT_THAT(hanging.worst("spf", kDomain), HasSubstr("hands on to gone.test, which has none"));
  TestWorld open = with_spf("v=spf1 mx");
  EXPECT_THAT(open.worst("spf", kDomain), StartsWith("note: "));
  TestWorld silent(std::string(kHost) + "example.test TIMEOUT");
  EXPECT_THAT(silent.worst("spf", kDomain), StartsWith("unknown: "));
}

TEST(DoctorSpf, Smarthost) {
  TestWorld test = with_spf("v=spf1 mx -all", "smtp.provider.test A 198.51.100.9");
  test.world.machine.smarthost = Smarthost{"provider", "smtp.provider.test", 587};
  const auto findings = test.run("spf", kDomain);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].level, Level::warning);
  EXPECT_THAT(findings[0].advice, HasSubstr("include:"));
}

class DoctorKeys : public ::testing::Test {
protected:
  DoctorKeys() {
    server.domain(kDomain);
    pem = mailauth::PrivateKey::generate(mailauth::KeyKind::ed25519).to_pem();
    test.world.store = &server.store();
    test.world.machine.signs = true;
  }
  void add(store::DkimKey::State state) {
    std::vector<store::DkimKey> keys(1);
    keys[0] = {.domain = kDomain,
               .selector = "s1",
               .algorithm = store::DkimKey::Algorithm::ed25519,
               .state = state,
               .private_key = pem};
    ASSERT_TRUE(directory::run_task(server.store().keys().add_dkim_keys(kDomain, keys)));
  }
  std::string record() { return mailauth::dkim_record_of(*mailauth::PrivateKey::from_pem(pem)); }
  void publish(const std::string& text) {
    test.zone->remove("s1._domainkey.example.test");
    test.zone->add("s1._domainkey.example.test", dns::Type::txt, {text});
  }

  directory::TestServer server;
  TestWorld test{"example.test A 192.0.2.7"};
  std::string pem;
};

TEST_F(DoctorKeys, NoKey) { EXPECT_THAT(test.worst("dkim", kDomain), HasSubstr("has no key")); }

TEST_F(DoctorKeys, Published) {
  add(store::DkimKey::State::active);
  const auto missing = test.run("dkim", kDomain);
  EXPECT_EQ(missing[0].level, Level::wrong);
  EXPECT_EQ(missing[0].records[0].name, "s1._domainkey.example.test");
  EXPECT_EQ(missing[0].records[0].value, record());
  publish(record());
  EXPECT_THAT(test.worst("dkim", kDomain), StartsWith("good: "));
  publish(record() + "; t=y");
  EXPECT_THAT(test.worst("dkim", kDomain), StartsWith("note: "));
  publish("v=DKIM1; k=ed25519; p=");
  EXPECT_THAT(test.worst("dkim", kDomain), HasSubstr("is revoked"));
  publish("something else");
  EXPECT_THAT(test.worst("dkim", kDomain), HasSubstr("can't be read as a key"));
  publish(mailauth::dkim_record_of(mailauth::PrivateKey::generate(mailauth::KeyKind::ed25519)));
  EXPECT_THAT(test.worst("dkim", kDomain), HasSubstr("of another key"));
  test.zone->fail("s1._domainkey.example.test", dns::Status::servfail);
  EXPECT_THAT(test.worst("dkim", kDomain), StartsWith("unknown: "));
}

TEST_F(DoctorKeys, NoStoreNoKnowledge) {
  test.world.store = nullptr;
  EXPECT_THAT(test.worst("dkim", kDomain), StartsWith("unknown: "));
}

TEST_F(DoctorKeys, Dmarc) {
  add(store::DkimKey::State::active);
  const auto missing = test.run("dmarc", kDomain);
  EXPECT_EQ(missing[0].level, Level::warning);
  EXPECT_THAT(missing[0].records[0].value, StartsWith("v=DMARC1; p=quarantine"));
  EXPECT_EQ(missing.back().about, "example.test alignment");
  EXPECT_EQ(missing.back().level, Level::good);
  test.zone->add("_dmarc.example.test", dns::Type::txt, {"v=DMARC1; p=reject; rua=mailto:d@example.test"});
  EXPECT_THAT(test.worst("dmarc", kDomain), StartsWith("good: "));
  test.zone->remove("_dmarc.example.test");
  test.zone->add("_dmarc.example.test", dns::Type::txt, {"v=DMARC1; p=none; rua=mailto:d@other.test"});
  EXPECT_THAT(test.worst("dmarc", kDomain), HasSubstr("other.test, which does not take them"));
  test.zone->add("example.test._report._dmarc.other.test", dns::Type::txt, {"v=DMARC1"});
  EXPECT_THAT(test.worst("dmarc", kDomain), StartsWith("note: "));
  test.world.machine.signs = false;
  EXPECT_THAT(test.worst("dmarc", kDomain), HasSubstr("not signed"));
}

TEST(DoctorMtaSts, Stands) {
  TestWorld test(std::string(kHost) + "example.test MX 10 mx.example.test");
  EXPECT_THAT(test.worst("mta-sts", kDomain), StartsWith("note: "));
  test.zone->add("_mta-sts.example.test", dns::Type::txt, {"v=STSv1; id=1;"});
  EXPECT_THAT(test.worst("mta-sts", kDomain), StartsWith("unknown: ")); // nobody can fetch the policy from here
  std::string policy = "version: STSv1\nmode: enforce\nmx: mx.example.test\nmax_age: 604800\n";
  test.world.fetch = [&](std::string host, std::string path) -> Task<Result<std::string>> {
    EXPECT_EQ(host + path, "mta-sts.example.test/.well-known/mta-sts.txt");
    if (policy.empty()) co_return fail(Errc::io, "self-signed certificate");
    co_return policy;
  };
  EXPECT_THAT(test.worst("mta-sts", kDomain), StartsWith("good: "));
  policy = "version: STSv1\nmode: enforce\nmx: *.other.test\nmax_age: 604800\n";
  EXPECT_THAT(test.worst("mta-sts", kDomain), HasSubstr("does not name mx.example.test"));
  policy = "version: STSv1\nmode: testing\nmx: *.example.test\nmax_age: 604800\n";
  EXPECT_THAT(test.worst("mta-sts", kDomain), StartsWith("note: "));
  EXPECT_THAT(test.run("mta-sts", kDomain)[0].advice, StartsWith("After a week with a good certificate"));
  policy = "<html>";
  EXPECT_THAT(test.worst("mta-sts", kDomain), HasSubstr("can't be used"));
  policy = "";
  EXPECT_THAT(test.worst("mta-sts", kDomain), HasSubstr("can't be fetched: self-signed certificate"));
  test.zone->add("_mta-sts.example.test", dns::Type::txt, {"v=STSv1; id=2;"});
  EXPECT_THAT(test.worst("mta-sts", kDomain), HasSubstr("several texts"));
  test.zone->fail("_mta-sts.example.test", dns::Status::servfail);
  EXPECT_THAT(test.worst("mta-sts", kDomain), StartsWith("unknown: "));
}

TEST(DoctorTlsa, Stands) {
  TestWorld test(std::string(kHost) + "example.test MX 10 mx.example.test\n");
  EXPECT_THAT(test.worst("tlsa", kDomain), StartsWith("unknown: ")); // no certificate is known
  const auto pair = net::make_self_signed("mx.example.test"), other = net::make_self_signed("mx.example.test");
  test.world.machine.certificate = CertificateShown{"file", pair->certificate_pem};
  EXPECT_THAT(test.worst("tlsa", kDomain), HasSubstr("is not signed"));
  test.zone->secure("mx.example.test");
  const auto proposed = test.run("tlsa", kDomain);
  EXPECT_EQ(proposed[0].level, Level::note);
  EXPECT_EQ(proposed[0].records[0].value, "3 1 1 " + net::tlsa_data_of(pair->certificate_pem));
  const auto publish = [&](const std::string& pem) {
    test.zone = dns::FakeZone::parse(
        std::string(kHost) + "example.test MX 10 mx.example.test\n_25._tcp.mx.example.test TLSA 3 1 1 " +
        net::tlsa_data_of(pem) + "\n_25._tcp.mx.example.test SECURE\nmx.example.test SECURE");
    test.world.zone = test.zone;
  };
  publish(pair->certificate_pem);
  EXPECT_THAT(test.worst("tlsa", kDomain), StartsWith("good: "));
  publish(other->certificate_pem);
  const auto stale = test.run("tlsa", kDomain);
  EXPECT_EQ(stale[0].level, Level::wrong);
  EXPECT_THAT(stale[0].means, HasSubstr("being refused now"));
}

TEST(DoctorTlsRpt, Stands) {
  TestWorld test;
  EXPECT_THAT(test.worst("tls-rpt", kDomain), StartsWith("note: "));
  test.zone->add("_smtp._tls.example.test", dns::Type::txt, {"v=TLSRPTv1; rua=mailto:t@example.test"});
  EXPECT_THAT(test.worst("tls-rpt", kDomain), StartsWith("good: "));
  test.zone->remove("_smtp._tls.example.test");
  test.zone->add("_smtp._tls.example.test", dns::Type::txt, {"v=TLSRPTv1; rua=nobody"});
  EXPECT_THAT(test.worst("tls-rpt", kDomain), StartsWith("warning: "));
  test.zone->fail("_smtp._tls.example.test", dns::Status::servfail);
  EXPECT_THAT(test.worst("tls-rpt", kDomain), StartsWith("unknown: "));
}

TEST(DoctorSetUp, Stands) {
  TestWorld test(kHost);
  EXPECT_THAT(test.worst("set-up", kDomain), StartsWith("unknown: "));
  test.world.set_up = [](const std::string& domain) {
    return std::vector<Record>{
        plain_record("_submissions._tcp." + domain, "SRV", "0 1 465 mx.example.test", "where programs send"),
        plain_record("autoconfig." + domain, "CNAME", "mx.example.test", "where programs ask")};
  };
  const auto missing = test.run("set-up", kDomain);
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_EQ(missing[0].level, Level::note);
  EXPECT_EQ(missing[0].records.size(), 1U);
  test.zone->add("_submissions._tcp.example.test", dns::Type::srv, {"mx.example.test", 5, 9, 465});
  test.zone->add("autoconfig.example.test", dns::Type::a, {"192.0.2.7"});
  EXPECT_THAT(test.worst("set-up", kDomain), StartsWith("good: "));
  test.zone->remove("_submissions._tcp.example.test");
  test.zone->add("_submissions._tcp.example.test", dns::Type::srv, {"old.example.test", 0, 1, 465});
  EXPECT_THAT(test.worst("set-up", kDomain), HasSubstr("leads to 0 1 465 old.example.test"));
}

TEST(DoctorSetUp, OfTheListeners) {
  TestWorld test(kHost);
  using enum ListenerFacts::Tls;
  test.world.machine.listeners = {{.role = "submission", .bound = {"0.0.0.0", 465}, .tls = implicit},
                                  {.role = "pop3", .bound = {"::", 110}, .tls = starttls},
                                  {.role = "pop3", .bound = {"127.0.0.1", 1110}, .tls = none}};
  const auto findings = test.run("set-up", kDomain);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].records[0].zone, "_submissions._tcp.example.test. IN SRV 0 1 465 mx.example.test.");
  EXPECT_EQ(findings[1].records[0].zone, "_pop3._tcp.example.test. IN SRV 10 1 110 mx.example.test.");
}

TEST(DoctorTls, Stands) {
  TestWorld test;
  EXPECT_THAT(test.worst("tls"), StartsWith("unknown: "));
  const auto pair = net::make_self_signed("mx.example.test");
  test.clock.set_wall(system_clock().wall());
  test.world.machine.certificate = CertificateShown{"", pair->certificate_pem};
  EXPECT_EQ(test.worst("tls"), "warning: The certificate is one that this server made itself.");
  // One that was ordered has no file either.
  const auto key = acme::PrivateKey::make();
  const auto request = acme::make_request(*key, {"mx.example.test"});
  test.world.machine.certificate->pem =
      acme::TestIssuer().issue(*request, "mx.example.test", millis(test.clock.wall()));
  EXPECT_THAT(test.worst("tls"), HasSubstr("is not trusted here"));
  test.world.machine.certificate->file = "/etc/x.pem";
  test.world.machine.certificate->pem = "nonsense";
  EXPECT_THAT(test.worst("tls"), HasSubstr("can't be read"));
}

TEST(DoctorBounds, QuestionsOfOneCheck) {
  TestWorld test;
  Asker asker(test.zone, test.clock);
  for (unsigned i = 0; i < Asker::kMostQuestions; ++i)
    EXPECT_NE(directory::run_task(asker.query("x.test", dns::Type::a))->status, dns::Status::servfail);
  const auto beyond = directory::run_task(asker.query("x.test", dns::Type::a));
  EXPECT_EQ(beyond->status, dns::Status::servfail);
  EXPECT_TRUE(beyond->own_fault);
  Asker later(test.zone, test.clock);
  test.clock.advance(Asker::kMostTime);
  EXPECT_EQ(directory::run_task(later.query("x.test", dns::Type::a))->status, dns::Status::servfail);
}

TEST(DoctorBounds, DomainsAndSteps) {
  std::vector<std::string> many(kMostDomains + 10, "a.test");
  std::size_t of_domain = 0;
  for (const Check& one : checks()) of_domain += one.of_domain ? 1 : 0;
  EXPECT_EQ(steps_for(many).size(), checks().size() - of_domain + kMostDomains * of_domain);
  EXPECT_EQ(steps_for(many, "b.test").size(), of_domain);
}

} // namespace
} // namespace paquebot::doctor
