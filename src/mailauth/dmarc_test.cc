#include "dns/fake_zone.h"
#include "mailauth/dmarc.h"
#include "net/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto none = DmarcPolicy::none, quarantine = DmarcPolicy::quarantine, reject = DmarcPolicy::reject;

TEST(DmarcRecord, Good) {
  const auto r =
      parse_dmarc_record("v=DMARC1; p=Quarantine; sp=reject; np=none; psd=n; t=y; adkim=S; aspf=s; fo=1:d; "
                         "rua=mailto:a@a.test!10m , https://x.test/r,bad, mailto: ; ruf=mailto:f@a.test; zz=1;");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->p, quarantine);
  EXPECT_EQ(r->sp, reject);
  EXPECT_EQ(r->np, none);
  EXPECT_EQ(r->psd, DmarcRecord::Psd::no);
  EXPECT_TRUE(r->testing && r->strict_dkim && r->strict_spf && r->usable);
  EXPECT_THAT(r->rua, ElementsAre("mailto:a@a.test", "https://x.test/r"));
  EXPECT_THAT(r->ruf, ElementsAre("mailto:f@a.test"));
  EXPECT_EQ(r->fo, "1:d");
}

TEST(DmarcRecord, NoRecord) {
  for (const char* text : {"", "v=DMARC2; p=none", "v=dmarc1; p=none", "p=none; v=DMARC1", "DMARC1", "v=DMARC1p=none",
                           "v=spf1 -all", "; v=DMARC1; p=none", "v=DMARC1 p=none"})
    EXPECT_FALSE(parse_dmarc_record(text)) << text;
  EXPECT_TRUE(parse_dmarc_record("v = DMARC1;p=none"));
  EXPECT_TRUE(parse_dmarc_record("v=DMARC1"));
}

TEST(DmarcRecord, Malformed) { // RFC 9989 sections 4.8 and 4.10.1
  struct Case {
    const char* text;
    bool usable;
    DmarcPolicy p;
  };
  const Case cases[] = {
      {"v=DMARC1", false, none},
      {"v=DMARC1; p=foo", false, none},
      {"v=DMARC1; p=foo; rua=mailto:a@a.test", true, none},
      {"v=DMARC1; rua=mailto:a@a.test", true, none},
      {"v=DMARC1; rua=nonsense", false, none},
      {"v=DMARC1; p=reject; sp=foo", false, none},
      {"v=DMARC1; p=reject; np=foo; rua=mailto:a@a.test", true, none},
      {"v=DMARC1; p=reject; adkim=x; aspf=; t=z; psd=q; fo=!", true, reject},
      {"v=DMARC1; p=reject;; garbage; =x", true, reject},
      {"v=DMARC1; p=reject; p=none", true, reject},
      {"v=DMARC1;p=reject", true, reject},
  };
  for (const auto& c : cases) {
    const auto r = parse_dmarc_record(c.text);
    ASSERT_TRUE(r) << c.text;
    EXPECT_EQ(r->usable, c.usable) << c.text;
    EXPECT_EQ(r->p, c.p) << c.text;
    EXPECT_FALSE(r->strict_dkim || r->strict_spf || r->testing) << c.text;
  }
}

constexpr std::string_view kDmarcZone = R"(
; RFC 9989 appendix B.4
_dmarc.example.com          TXT  "v=DMARC1; p=reject; rua=mailto:d@example.com"
_dmarc.signing.example.com  TXT  "v=DMARC1; p=none"
_dmarc.bank.example         TXT  "v=DMARC1; p=reject; sp=quarantine; psd=y"
_dmarc.giant.bank.example   TXT  "v=DMARC1; p=quarantine"
; others
_dmarc.test                 TXT  "v=spf1"
_dmarc.strict.test          TXT  "v=DMARC1; p=reject; adkim=s; aspf=s"
_dmarc.org.test             TXT  "v=DMARC1; p=reject; sp=quarantine; np=none"
here.org.test               A    192.0.2.1
_dmarc.own.sub.org.test     TXT  "v=DMARC1; p=none; psd=n"
_dmarc.trying.test          TXT  "v=DMARC1; p=reject; t=y"
_dmarc.try.test             TXT  "v=DMARC1; p=quarantine; t=y"
_dmarc.two.test             TXT  "v=DMARC1; p=reject"
_dmarc.two.test             TXT  "v=DMARC1; p=none"
_dmarc.mixed.test           TXT  "hello"
_dmarc.mixed.test           TXT  "v=DMARC1; p=reject"
_dmarc.bad.test             TXT  "v=DMARC1; p=bogus"
_dmarc.broken.test          SERVFAIL
_dmarc.sub.half.test        SERVFAIL
_dmarc.half.test            TXT  "v=DMARC1; p=reject"
_dmarc.lame.org.test        SERVFAIL
_dmarc.gone.quiet.test      TXT  "v=DMARC1; p=reject"
_dmarc.quiet.test           SERVFAIL
_dmarc.top                  SERVFAIL
_dmarc.known.top            TXT  "v=DMARC1; p=reject"
)";

class Dmarc : public testing::Test {
protected:
  DmarcOutcome check(const std::string& from, const SpfOutcome& spf = {}, const std::vector<DkimVerdict>& dkim = {}) {
    return run("From: " + from + "\r\n\r\n", spf, dkim);
  }
  DmarcOutcome run(const std::string& head, const SpfOutcome& spf, const std::vector<DkimVerdict>& dkim) {
    const auto parsed = mail::Head::parse(head);
    return loop_.run(check_dmarc(*parsed, spf, dkim, *zone_));
  }
  DmarcWalk walk(const char* domain) {
    DmarcWalker walker(*zone_);
    return loop_.run(walker.walk(domain));
  }

  net::test::Loop loop_;
  std::shared_ptr<dns::FakeZone> zone_ = dns::FakeZone::parse(kDmarcZone);
};

SpfOutcome spf(const char* domain, SpfResult result = SpfResult::pass) { return {result, domain, {}, {}}; }
std::vector<DkimVerdict> dkim(const char* domain, DkimResult result = DkimResult::pass) {
  DkimVerdict v;
  v.result = result;
  v.domain = domain;
  return {v};
}

TEST_F(Dmarc, OrganizationalDomains) {
  const std::pair<const char*, const char*> cases[] = {
      {"example.com", "example.com"},
      {"signing.example.com", "example.com"},
      {"a.b.c.d.e.f.g.h.i.j.k.example.com", "example.com"},
      {"giant.bank.example", "giant.bank.example"},
      {"mail.giant.bank.example", "giant.bank.example"},
      {"mail.mega.bank.example", "mega.bank.example"},
      {"bank.example", "bank.example"},
      {"x.own.sub.org.test", "own.sub.org.test"},
      {"own.sub.org.test", "own.sub.org.test"},
      {"sub.org.test", "org.test"},
      {"nothing.nowhere.test", "nothing.nowhere.test"},
  };
  for (const auto& [domain, organization] : cases)
    EXPECT_EQ(walk(domain).organizational_domain(), organization) << domain;
}

TEST_F(Dmarc, WalksAtMostEightSteps) {
  walk("a.b.c.d.e.f.g.h.i.j.mail.example.com");
  EXPECT_EQ(zone_->questions(), 8u);
  for (const char* name :
       {"a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "mail.example.com", "com"})
    EXPECT_EQ(zone_->questions("_dmarc." + std::string(name), dns::Type::txt), 1u) << name;
  walk("a.b.c.d.e.f.g.h");
  EXPECT_EQ(zone_->questions(), 16u);
  walk("own.sub.org.test"); // psd=n ends it
  EXPECT_EQ(zone_->questions(), 17u);
}

TEST_F(Dmarc, Alignment) {
  struct Case {
    const char* from;
    const char* spf;
    const char* dkim;
    DmarcResult result;
  };
  constexpr auto pass = DmarcResult::pass, failed = DmarcResult::fail;
  const Case cases[] = {
      {"a@example.com", "example.com", "", pass},
      {"a@example.com", "", "example.com", pass},
      {"a@example.com", "bounce.example.com", "", pass},
      {"a@example.com", "", "signing.example.com", pass},
      {"a@mail.example.com", "example.com", "", pass},
      {"a@mail.example.com", "other.example.com", "", pass},
      {"a@example.com", "", "example.org", failed},
      {"a@example.com", "notexample.com", "", failed},
      {"a@example.com", "com", "", failed},
      {"a@example.com", "", "", failed},
      {"a@strict.test", "strict.test", "", pass},
      {"a@strict.test", "x.strict.test", "", failed},
      {"a@strict.test", "", "x.strict.test", failed},
      {"a@strict.test", "", "strict.test", pass},
      {"a@giant.bank.example", "mail.giant.bank.example", "", pass},
      {"a@giant.bank.example", "", "mail.mega.bank.example", failed},
      {"a@giant.bank.example", "bank.example", "", failed},
      {"a@org.test", "own.sub.org.test", "", failed},
      {"a@org.test", "x.sub.org.test", "", pass},
      {"a@own.sub.org.test", "", "x.own.sub.org.test", pass},
      {"a@own.sub.org.test", "", "org.test", failed},
  };
  for (const auto& c : cases) {
    const auto outcome =
        check(c.from, *c.spf ? spf(c.spf) : SpfOutcome{}, *c.dkim ? dkim(c.dkim) : std::vector<DkimVerdict>{});
    EXPECT_EQ(outcome.result, c.result) << c.from << " " << c.spf << " " << c.dkim << ": " << outcome.reason;
  }
  EXPECT_EQ(check("a@example.com", spf("example.com", SpfResult::softfail)).result, failed);
  EXPECT_EQ(check("a@example.com", {}, dkim("example.com", DkimResult::policy)).result, failed);
}

TEST_F(Dmarc, Policies) {
  struct Case {
    const char* from;
    DmarcResult result;
    DmarcPolicy policy;
  };
  constexpr auto failed = DmarcResult::fail;
  const Case cases[] = {
      {"a@example.com", failed, reject},
      {"a@x.example.com", failed, reject},
      {"a@signing.example.com", failed, none},
      {"a@org.test", failed, reject},
      {"a@here.org.test", failed, quarantine},
      {"a@nothere.org.test", failed, none},
      {"a@mega.bank.example", failed, quarantine}, // the public suffix's record
      {"a@giant.bank.example", failed, quarantine},
      {"a@trying.test", failed, quarantine},
      {"a@try.test", failed, none},
      {"a@mixed.test", failed, reject},
      {"a@two.test", DmarcResult::none, none},
      {"a@nowhere.test", DmarcResult::none, none},
      {"a@bad.test", DmarcResult::permerror, none},
      {"a@broken.test", DmarcResult::temperror, none},
      {"a@sub.broken.test", DmarcResult::temperror, none},
  };
  for (const auto& c : cases) {
    const auto outcome = check(c.from);
    EXPECT_EQ(outcome.result, c.result) << c.from << ": " << outcome.reason;
    EXPECT_EQ(outcome.policy, c.policy) << c.from << ": " << outcome.reason;
    EXPECT_NE(outcome.reason, "");
  }
  EXPECT_EQ(check("a@trying.test").published, reject);
  EXPECT_EQ(check("a@example.com", spf("example.com")).policy, none);
  EXPECT_THAT(check("a@example.com").reason, HasSubstr("the policy of example.com is reject"));
}

TEST_F(Dmarc, FailuresOfTheDnsDecideNothing) {
  EXPECT_EQ(check("a@example.com", spf("example.com", SpfResult::temperror)).result, DmarcResult::temperror);
  EXPECT_EQ(check("a@example.com", spf("other.test", SpfResult::temperror)).result, DmarcResult::fail);
  EXPECT_EQ(check("a@example.com", {}, dkim("x.example.com", DkimResult::temperror)).result, DmarcResult::temperror);
  EXPECT_EQ(check("a@half.test", spf("sub.half.test")).result, DmarcResult::temperror);
  EXPECT_EQ(check("a@half.test", spf("sub.half.test"), dkim("half.test")).result, DmarcResult::pass);
}

/// Whoever sends chooses which name fails: of the author's domain, above it, or of his own.
/// Whoever sends may have filled the line of our own resolver: what is not known for that reason is never taken for the
/// laxer of what might be published.
TEST_F(Dmarc, WhatOurOwnResolverKeepsFromUsIsADoubt) {
  const auto publish = [&](const char* domain, const char* record) {
    zone_->add("_dmarc." + std::string(domain), dns::Type::txt, {record});
  };
  const auto fail = [&](const char* name, bool ours) {
    zone_->fail(name, dns::Status::servfail, "made to fail", false, ours);
  };
  publish("lax.test", "v=DMARC1; p=reject; sp=none");
  publish("mid.deep.test", "v=DMARC1; p=none");
  publish("np.test", "v=DMARC1; p=none; np=reject");
  publish("npnone.test", "v=DMARC1; p=reject; np=none");
  publish("own.org.example", "v=DMARC1; p=reject");
  struct OwnFault {
    const char* from;
    const char* failing;
    DmarcResult theirs, ours; ///< where that name's own servers fail, and where we do
  };
  constexpr auto failed = DmarcResult::fail, unknown = DmarcResult::temperror;
  const OwnFault cases[] = {
      {"a@strict.lax.test", "_dmarc.strict.lax.test", failed, unknown},
      {"a@x.mid.deep.test", "_dmarc.deep.test", failed, unknown},
      {"a@away.np.test", "away.np.test", unknown, unknown}, // a name that is silent may be of the sender's choice
      {"a@away.npnone.test", "away.npnone.test", failed, failed},
      {"a@own.org.example", "_dmarc.org.example", failed, failed},
      {"a@np.test", "_dmarc.test", failed, failed},
      {"a@strict.lax.test", "_dmarc.test", failed, failed},
  };
  for (const auto& c : cases) {
    for (const bool ours : {false, true}) {
      fail(c.failing, ours);
      const auto outcome = check(c.from, spf("evil.test"), {});
      EXPECT_EQ(outcome.result, ours ? c.ours : c.theirs) << c.from << ", " << c.failing << ": " << outcome.reason;
      const auto doubt = outcome.result == unknown ? DmarcDoubt::policy : DmarcDoubt::none;
      EXPECT_EQ(outcome.doubt, doubt) << c.from;
    }
    zone_->fail(c.failing, dns::Status::ok);
  }
}

TEST_F(Dmarc, OnlyWhatCouldAlignIsADoubt) {
  struct DoubtCase {
    const char* from;
    SpfOutcome spf;
    std::vector<DkimVerdict> dkim;
    DmarcResult result;
    DmarcDoubt doubt;
    DmarcPolicy published;
  };
  constexpr auto late = DkimResult::temperror;
  constexpr auto failed = DmarcResult::fail, unknown = DmarcResult::temperror, passed = DmarcResult::pass;
  constexpr auto quarantine = DmarcPolicy::quarantine;
  const DoubtCase cases[] = {
      // of a stranger
      {"a@example.com", spf("evil.test", SpfResult::temperror), {}, failed, DmarcDoubt::none, reject},
      {"a@example.com", {}, dkim("evil.test", late), failed, DmarcDoubt::none, reject},
      {"a@example.com", {}, dkim("notexample.com", late), failed, DmarcDoubt::none, reject},
      // of the author's domain, or below
      {"a@example.com", spf("x.example.com", SpfResult::temperror), {}, unknown, DmarcDoubt::evidence, reject},
      {"a@example.com", {}, dkim("dead.example.com", late), unknown, DmarcDoubt::evidence, reject},
      {"a@example.com", spf("example.com"), dkim("example.com", late), passed, DmarcDoubt::none, reject},
      {"a@strict.test", {}, dkim("dead.strict.test", late), failed, DmarcDoubt::none, reject},
      // a name of the author's choice that fails: the record above counts
      {"a@lame.org.test", {}, {}, failed, DmarcDoubt::none, quarantine},
      {"a@lame.org.test", {}, dkim("org.test"), passed, DmarcDoubt::none, quarantine},
      // the policy itself is not to be had
      {"a@broken.test", {}, {}, unknown, DmarcDoubt::policy, none},
      {"a@broken.test", spf("evil.test"), {}, unknown, DmarcDoubt::policy, none},
      {"a@broken.test", {}, dkim("broken.test"), unknown, DmarcDoubt::none, none},
      {"a@x.broken.test", {}, {}, unknown, DmarcDoubt::policy, none},
      // the author's own record is there, and the name above fails
      {"a@gone.quiet.test", spf("evil.test"), {}, failed, DmarcDoubt::none, reject},
      {"a@gone.quiet.test", spf("gone.quiet.test"), {}, passed, DmarcDoubt::none, reject},
      {"a@gone.quiet.test", {}, dkim("quiet.test"), unknown, DmarcDoubt::evidence, reject},
      {"a@known.top", spf("evil.top"), {}, failed, DmarcDoubt::none, reject},
      {"a@nothing.top", {}, {}, DmarcResult::none, DmarcDoubt::none, none},
  };
  for (const auto& c : cases) {
    const auto outcome = check(c.from, c.spf, c.dkim);
    const std::string what = std::string(c.from) + ", spf " + c.spf.domain + ": " + outcome.reason;
    EXPECT_EQ(outcome.result, c.result) << what;
    EXPECT_EQ(outcome.doubt, c.doubt) << what;
    EXPECT_EQ(outcome.published, c.published) << what;
  }
}

TEST_F(Dmarc, FromThatNamesNobody) {
  for (const std::string head : {"\r\n", "From: a@example.com\r\nFrom: b@b.test\r\n\r\n", "From: g:;\r\n\r\n",
                                 "From: a@example.com, b@b.test\r\n\r\n", "From: broken\r\n\r\n"}) {
    const auto outcome = run(head, spf("b.test"), dkim("b.test"));
    EXPECT_EQ(outcome.result, DmarcResult::permerror) << head;
    EXPECT_EQ(outcome.policy, reject) << head;
    EXPECT_NE(outcome.reason, "");
  }
  EXPECT_EQ(zone_->questions(), 0u);
}

} // namespace
} // namespace paquebot::mailauth
