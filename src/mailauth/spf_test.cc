#include "base/fake_clock.h"
#include "dns/fake_zone.h"
#include "mailauth/spf.h"
#include "net/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSpfZone = R"(
; RFC 7208 appendix A
example.com         TXT  "v=spf1 include:example.net -exists:no.example.com -all"
example.com         MX   10 mail-a.example.com
example.com         MX   20 mail-b.example.com
example.com         A    192.0.2.10
example.com         A    192.0.2.11
amy.example.com     A    192.0.2.65
bob.example.com     A    192.0.2.66
mail-a.example.com  A    192.0.2.129
mail-b.example.com  A    192.0.2.130
example.org         MX   10 mail-c.example.org
mail-c.example.org  A    192.0.2.140
example.net         TXT  "v=spf1 ip4:192.0.2.200 ~all"
10.2.0.192.in-addr.arpa  PTR  example.com
65.2.0.192.in-addr.arpa  PTR  amy.example.com
140.2.0.192.in-addr.arpa PTR  mail-c.example.org
12.0.0.10.in-addr.arpa   PTR  bob.example.com
; one record for each subject
nothing.test        A    192.0.2.1
othertxt.test       TXT  "hello"
othertxt.test       TXT  "v=spf10 -all"
split.test          TXT  "v=spf1 ip4:192.0" ".2.1 -all"
twice.test          TXT  "v=spf1 -all"
twice.test          TXT  "v=spf1 +all"
broken.test         SERVFAIL
slow.test           TIMEOUT
empty.test          TXT  "v=spf1"
upper.test          TXT  "V=SPF1 A -ALL"
upper.test          A    192.0.2.1
plus.test           TXT  "v=spf1 +all"
minus.test          TXT  "v=spf1 -all"
tilde.test          TXT  "v=spf1 ~all"
question.test       TXT  "v=spf1 ?all"
first.test          TXT  "v=spf1 -ip4:192.0.2.1 +all"
bad.test            TXT  "v=spf1 ip4:192.0.2.1 foo:bar"
a.test              TXT  "v=spf1 a -all"
a.test              A    192.0.2.1
a.test              AAAA 2001:db8::1
a24.test            TXT  "v=spf1 a/24//64 -all"
a24.test            A    192.0.2.1
a24.test            AAAA 2001:db8::1
a0.test             TXT  "v=spf1 a/0 -all"
a0.test             A    10.0.0.1
aother.test         TXT  "v=spf1 a:amy.example.com -all"
anone.test          TXT  "v=spf1 a:none.test -all"
afail.test          TXT  "v=spf1 a:broken.test -all"
acname.test         TXT  "v=spf1 a:alias.test -all"
alias.test          CNAME amy.example.com
amacro.test         TXT  "v=spf1 a:%{l}.example.com -all"
abad.test           TXT  "v=spf1 a:%{l}.x.test -all"
mx.test             TXT  "v=spf1 mx -all"
mx.test             MX   10 mail-a.example.com
mx.test             MX   0 .
mxother.test        TXT  "v=spf1 mx:example.com/25 -all"
mxnone.test         TXT  "v=spf1 mx -all"
mxnone.test         A    192.0.2.1
mxfail.test         TXT  "v=spf1 mx:broken.test -all"
mxhost.test         TXT  "v=spf1 mx -all"
mxhost.test         MX   10 broken.test
mxmany.test         TXT  "v=spf1 mx -all"
mxten.test          TXT  "v=spf1 mx -all"
ptr.test            TXT  "v=spf1 ptr:example.com -all"
example.com.test    TXT  "v=spf1 ptr -all"
ptrorg.test         TXT  "v=spf1 ptr:example.org -all"
ptrtail.test        TXT  "v=spf1 ptr:ample.org -all"
ip.test             TXT  "v=spf1 ip4:192.0.2.0/25 ip6:2001:db8::/32 -all"
exists.test         TXT  "v=spf1 exists:%{ir}.list.%{d} -all"
1.2.0.192.list.exists.test  A 127.0.0.2
existsfail.test     TXT  "v=spf1 exists:broken.test -all"
user.test           TXT  "v=spf1 exists:%{l}._u.%{d} -all"
amy._u.user.test    A    127.0.0.2
postmaster._u.user.test A 127.0.0.2
include.test        TXT  "v=spf1 include:ip.test -all"
includetilde.test   TXT  "v=spf1 include:tilde.test include:question.test include:minus.test ip4:192.0.2.1 -all"
includenone.test    TXT  "v=spf1 include:nothing.test -all"
includenx.test      TXT  "v=spf1 include:nowhere.test -all"
includebad.test     TXT  "v=spf1 include:bad.test -all"
includefail.test    TXT  "v=spf1 include:broken.test -all"
includeneg.test     TXT  "v=spf1 -include:ip.test +all"
includeself.test    TXT  "v=spf1 include:includeself.test -all"
includeexp.test     TXT  "v=spf1 include:expl.test ?all"
redirect.test       TXT  "v=spf1 redirect=ip.test"
redirectall.test    TXT  "v=spf1 ?all redirect=ip.test"
redirectorder.test  TXT  "v=spf1 redirect=minus.test ip4:192.0.2.1"
redirectnone.test   TXT  "v=spf1 redirect=nothing.test"
redirectself.test   TXT  "v=spf1 redirect=redirectself.test"
redirectmacro.test  TXT  "v=spf1 redirect=%{l}.test"
redirectexp.test    TXT  "v=spf1 redirect=expl.test exp=none.test"
redirectbad.test    TXT  "v=spf1 redirect=%{l}.x.test"
ten.test            TXT  "v=spf1 a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:bob.example.com -all"
eleven.test         TXT  "v=spf1 a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:amy.example.com a:bob.example.com -all"
early.test          TXT  "v=spf1 a:amy.example.com a a a a a a a a a a a a a -all"
blank.test          TXT  "v=spf1 exists:%{l}%_x.blank.test -all"
o'b\\032x.blank.test A  127.0.0.2
o\\092b\\032x.blank.test A 127.0.0.2
malformed4.test     TXT  "v=spf1 a:%{l}..m.test a:%{l}..n.test a:%{l}..o.test exists:n1.test -all"
twovoid.test        TXT  "v=spf1 a:n1.test mx:n2.test -all"
ptrvoid.test        TXT  "v=spf1 a:n1.test exists:n2.test ptr -all"
mxvoid.test         TXT  "v=spf1 a:n1.test exists:n2.test mx:hollow.test -all"
mxvoids.test        TXT  "v=spf1 a:n1.test mx:hollow.test -all"
hollow.test         MX   10 n4.test
hollow.test         MX   20 n5.test
threevoid.test      TXT  "v=spf1 a:n1.test mx:n2.test exists:n3.test -all"
p.test              TXT  "v=spf1 exists:%{p}.ok.test -all"
amy.example.com.ok.test A 127.0.0.2
unknown.ok.test     A    127.0.0.2
expl.test           TXT  "v=spf1 -all exp=why.expl.test"
why.expl.test       TXT  "%{i} may not send for %{d}, says %{r} at %{t}. See http://x.test/?s=%{S}&c=%{c}"
explnone.test       TXT  "v=spf1 -all exp=none.test"
expltwo.test        TXT  "v=spf1 -all exp=twice.test"
explbad.test        TXT  "v=spf1 -all exp=badwhy.test"
badwhy.test         TXT  "a %{z} b"
explfail.test       TXT  "v=spf1 -all exp=broken.test"
explascii.test      TXT  "v=spf1 -all exp=eight.test"
eight.test          TXT  "café"
explsoft.test       TXT  "v=spf1 ~all exp=why.expl.test"
unknownmod.test     TXT  "v=spf1 moo=cow:%{d} ip4:192.0.2.1 -all"
helo.test           TXT  "v=spf1 exists:%{h}.h.%{o} -all"
amy.example.com.h.helo.test A 127.0.0.2
_under.score.test   TXT  "v=spf1 +all"
)";

struct SpfCase {
  const char* ip;
  const char* sender; ///< empty: the null reverse-path
  SpfResult result;
};
constexpr auto none = SpfResult::none, neutral = SpfResult::neutral, pass = SpfResult::pass, failed = SpfResult::fail,
               softfail = SpfResult::softfail, temperror = SpfResult::temperror, permerror = SpfResult::permerror;

class Spf : public testing::Test {
protected:
  Spf() : zone_(dns::FakeZone::parse(kSpfZone)) {
    for (int i = 0; i < 11; ++i) {
      const std::string host = "m" + std::to_string(i) + ".mxmany.test";
      zone_->add("mxmany.test", dns::Type::mx, {host, 10});
      if (i < 10) zone_->add("mxten.test", dns::Type::mx, {host, 10});
      zone_->add(host, dns::Type::a, {"192.0.2." + std::to_string(10 + i)});
      // Eleven names for one address; only the last one is in example.org.
      zone_->add("9.2.0.192.in-addr.arpa", dns::Type::ptr, {i < 10 ? "n.example.net" : "mail-c.example.org"});
    }
    zone_->add("mail-c.example.org", dns::Type::a, {"192.0.2.9"});
    zone_->fail("66.2.0.192.in-addr.arpa", dns::Status::servfail);
  }

  SpfOutcome check(const char* ip, std::string_view sender, const char* helo = "amy.example.com") {
    mail::Address address;
    if (const auto at = sender.find('@'); at != std::string_view::npos)
      address = {std::string(sender.substr(0, at)), std::string(sender.substr(at + 1))};
    const auto question = spf_question_for_sender(*parse_ip(ip), helo, address, "here.test");
    return run(question);
  }
  SpfOutcome run(const SpfQuestion& question) { return loop_.run(check_spf(question, *zone_, clock_, limits_)); }

  net::test::Loop loop_;
  std::shared_ptr<dns::FakeZone> zone_;
  FakeClock clock_;
  SpfLimits limits_;
};

TEST_F(Spf, Results) {
  const SpfCase cases[] = {
      {"192.0.2.200", "x@example.com", pass},   {"192.0.2.1", "x@example.com", failed},
      {"192.0.2.1", "x@nothing.test", none},    {"192.0.2.1", "x@nowhere.test", none},
      {"192.0.2.1", "x@othertxt.test", none},   {"192.0.2.1", "x@localhost", none},
      {"192.0.2.1", "x@[192.0.2.1]", none},     {"192.0.2.1", "x@a..test", none},
      {"192.0.2.1", "x@split.test", pass},      {"192.0.2.2", "x@split.test", failed},
      {"192.0.2.1", "x@twice.test", permerror}, {"192.0.2.1", "x@broken.test", temperror},
      {"192.0.2.1", "x@slow.test", temperror},  {"192.0.2.1", "x@empty.test", neutral},
      {"192.0.2.1", "x@upper.test", pass},      {"192.0.2.1", "x@UPPER.test", pass},
      {"192.0.2.1", "x@plus.test", pass},       {"192.0.2.1", "x@minus.test", failed},
      {"192.0.2.1", "x@tilde.test", softfail},  {"192.0.2.1", "x@question.test", neutral},
      {"192.0.2.1", "x@first.test", failed},    {"192.0.2.2", "x@first.test", pass},
      {"192.0.2.1", "x@bad.test", permerror},   {"192.0.2.1", "x@_under.score.test", pass},
      {"192.0.2.1", "x@unknownmod.test", pass}, {"::ffff:192.0.2.1", "x@unknownmod.test", pass},
  };
  for (const auto& c : cases) EXPECT_EQ(check(c.ip, c.sender).result, c.result) << c.ip << " " << c.sender;
}

TEST_F(Spf, Mechanisms) {
  const SpfCase cases[] = {
      {"192.0.2.1", "x@a.test", pass},
      {"192.0.2.2", "x@a.test", failed},
      {"2001:db8::1", "x@a.test", pass},
      {"2001:db8::2", "x@a.test", failed},
      {"192.0.2.99", "x@a24.test", pass},
      {"192.0.3.1", "x@a24.test", failed},
      {"2001:db8::99", "x@a24.test", pass},
      {"2001:db8:0:1::1", "x@a24.test", failed},
      {"192.0.2.1", "x@a0.test", pass},
      {"::1", "x@a0.test", failed},
      {"192.0.2.65", "x@aother.test", pass},
      {"192.0.2.66", "x@aother.test", failed},
      {"192.0.2.1", "x@anone.test", failed},
      {"192.0.2.1", "x@afail.test", temperror},
      {"192.0.2.65", "x@acname.test", pass},
      {"192.0.2.65", "amy@amacro.test", pass},
      {"192.0.2.66", "BOB@amacro.test", pass},
      {"192.0.2.66", "amy@amacro.test", failed},
      {"192.0.2.1", "a..b@abad.test", failed},
      {"192.0.2.1", "a b@abad.test", failed},
      {"192.0.2.129", "x@mx.test", pass},
      {"192.0.2.130", "x@mx.test", failed},
      {"192.0.2.140", "x@mxother.test", pass},
      {"192.0.2.10", "x@mxother.test", failed},
      {"192.0.2.1", "x@mxnone.test", failed},
      {"192.0.2.1", "x@mxfail.test", temperror},
      {"192.0.2.1", "x@mxhost.test", temperror},
      {"192.0.2.1", "x@mxmany.test", permerror},
      {"192.0.2.19", "x@mxten.test", pass},
      {"192.0.2.20", "x@mxten.test", failed},
      {"192.0.2.65", "x@ptr.test", pass},
      {"192.0.2.10", "x@ptr.test", pass},
      {"192.0.2.66", "x@ptr.test", failed},
      {"10.0.0.12", "x@ptr.test", failed},
      {"192.0.2.65", "x@ptrorg.test", failed},
      {"192.0.2.140", "x@ptrorg.test", pass},
      {"192.0.2.140", "x@ptrtail.test", failed},
      {"192.0.2.9", "x@ptrorg.test", failed},
      {"192.0.2.1", "x@example.com.test", failed},
      {"192.0.2.127", "x@ip.test", pass},
      {"192.0.2.128", "x@ip.test", failed},
      {"2001:db8::1", "x@ip.test", pass},
      {"2001:db9::1", "x@ip.test", failed},
      {"192.0.2.1", "x@exists.test", pass},
      {"192.0.2.2", "x@exists.test", failed},
      {"192.0.2.1", "x@existsfail.test", temperror},
      {"2001:db8::1", "amy@user.test", pass},
      {"192.0.2.1", "bob@user.test", failed},
      {"192.0.2.1", "x@helo.test", pass},
      {"192.0.2.65", "x@p.test", pass},
      {"192.0.2.1", "x@p.test", pass},
      {"192.0.2.10", "x@p.test", failed},
  };
  for (const auto& c : cases) EXPECT_EQ(check(c.ip, c.sender).result, c.result) << c.ip << " " << c.sender;
}

TEST_F(Spf, IncludeAndRedirect) {
  const SpfCase cases[] = {
      {"192.0.2.1", "x@include.test", pass},
      {"10.0.0.1", "x@include.test", failed},
      {"192.0.2.1", "x@includetilde.test", pass},
      {"192.0.2.2", "x@includetilde.test", failed},
      {"192.0.2.1", "x@includenone.test", permerror},
      {"192.0.2.1", "x@includenx.test", permerror},
      {"192.0.2.1", "x@includebad.test", permerror},
      {"192.0.2.1", "x@includefail.test", temperror},
      {"192.0.2.1", "x@includeneg.test", failed},
      {"10.0.0.1", "x@includeneg.test", pass},
      {"192.0.2.1", "x@includeself.test", permerror},
      {"192.0.2.1", "x@redirect.test", pass},
      {"10.0.0.1", "x@redirect.test", failed},
      {"10.0.0.1", "x@redirectall.test", neutral},
      {"192.0.2.1", "x@redirectorder.test", pass},
      {"192.0.2.2", "x@redirectorder.test", failed},
      {"192.0.2.1", "x@redirectnone.test", permerror},
      {"192.0.2.1", "x@redirectself.test", permerror},
      {"192.0.2.1", "plus@redirectmacro.test", pass},
      {"192.0.2.1", "minus@redirectmacro.test", failed},
      {"192.0.2.1", "a..b@redirectbad.test", permerror},
  };
  for (const auto& c : cases) EXPECT_EQ(check(c.ip, c.sender).result, c.result) << c.ip << " " << c.sender;
}

TEST_F(Spf, Limits) {
  const SpfCase cases[] = {
      {"192.0.2.66", "x@ten.test", pass},           {"192.0.2.66", "x@eleven.test", permerror},
      {"192.0.2.65", "x@early.test", pass},         {"192.0.2.1", "x@twovoid.test", failed},
      {"192.0.2.1", "x@threevoid.test", permerror}, {"192.0.2.1", "x@mxvoid.test", permerror},
      {"192.0.2.1", "x@mxvoids.test", failed},      {"192.0.2.1", "x@ptrvoid.test", permerror},
  };
  for (const auto& c : cases) EXPECT_EQ(check(c.ip, c.sender).result, c.result) << c.ip << " " << c.sender;
  EXPECT_THAT(check("192.0.2.66", "x@eleven.test").reason, HasSubstr("more than 10 terms"));
  EXPECT_THAT(check("192.0.2.1", "x@threevoid.test").reason, HasSubstr("n3.test"));
  EXPECT_EQ(check("192.0.2.1", "o'b@blank.test").result, pass);
  EXPECT_EQ(check("192.0.2.1", "o\\b@blank.test").result, pass);
  EXPECT_EQ(check("192.0.2.1", "y@blank.test").result, failed);
  EXPECT_EQ(check("192.0.2.1", "x@malformed4.test").result, failed) << "what can't be looked up is no void look-up";
  limits_.time = {};
  EXPECT_EQ(check("192.0.2.1", "x@plus.test").result, temperror);
}

/// Section 5.5 has errors of the DNS match nothing, and the sender fails: not so where it is we who did not ask.
TEST_F(Spf, NamesThatWeCouldNotAskFor) {
  zone_->add("name.test", dns::Type::txt, {"v=spf1 exists:%{p}.away.test -all"});
  zone_->add("namered.test", dns::Type::txt, {"v=spf1 redirect=%{p}.away.test"});
  zone_->add("before.test", dns::Type::txt, {"v=spf1 ip4:192.0.2.65 ptr -all"});
  for (const bool ours : {false, true}) {
    zone_->fail("65.2.0.192.in-addr.arpa", dns::Status::servfail, "made to fail", false, ours);
    EXPECT_EQ(check("192.0.2.65", "x@ptr.test").result, ours ? temperror : failed);
    EXPECT_EQ(check("192.0.2.65", "x@name.test").result, ours ? temperror : failed);
    EXPECT_EQ(check("192.0.2.65", "x@namered.test").result, ours ? temperror : permerror);
    EXPECT_EQ(check("192.0.2.65", "x@before.test").result, pass);
  }
}

TEST_F(Spf, Explanation) {
  EXPECT_EQ(check("192.0.2.1", "o'b@expl.test").explanation,
            "192.0.2.1 may not send for expl.test, says here.test at 1767225600. See "
            "http://x.test/?s=o%27b%40expl.test&c=192.0.2.1");
  EXPECT_NE(check("192.0.2.1", "x@redirectexp.test").explanation, ""); // section 6.2: that of the target
  for (const char* sender :
       {"x@explnone.test", "x@expltwo.test", "x@explbad.test", "x@explfail.test", "x@explascii.test", "x@minus.test"}) {
    const auto outcome = check("192.0.2.1", sender);
    EXPECT_EQ(outcome.result, failed) << sender;
    EXPECT_EQ(outcome.explanation, "") << sender;
  }
  EXPECT_EQ(check("192.0.2.1", "x@explsoft.test").explanation, "");
  EXPECT_EQ(check("192.0.2.1", "x@includeexp.test").explanation, "");
}

TEST_F(Spf, Identities) {
  const Ip ip = *parse_ip("192.0.2.1");
  EXPECT_EQ(run(spf_question_for_helo(ip, "Plus.test", "here.test")).result, pass);
  EXPECT_EQ(run(spf_question_for_helo(ip, "[192.0.2.1]", "here.test")).result, none);
  EXPECT_EQ(run(spf_question_for_helo(ip, "user.test", "")).result, pass); // postmaster@user.test
  const auto null_sender = check("192.0.2.1", "", "user.test");
  EXPECT_EQ(null_sender.result, pass);
  EXPECT_EQ(null_sender.domain, "user.test");
  EXPECT_EQ(run(spf_question_for_helo(ip, "plus.test.", "")).result, pass);
}

TEST_F(Spf, InternationalLocalPartsMatchNoMacro) { // RFC 8616 section 4
  zone_->add("eai.test", dns::Type::txt, {"v=spf1 exists:%{l1r-}._u.user.test -all"});
  EXPECT_EQ(check("192.0.2.1", "amy@eai.test").result, pass);
  EXPECT_EQ(check("192.0.2.1", "amy-\xc3\xa9@eai.test").result, failed);
}

TEST_F(Spf, Reasons) {
  EXPECT_EQ(check("192.0.2.1", "x@minus.test").reason, "\"-all\" of minus.test matches");
  EXPECT_EQ(check("192.0.2.1", "x@empty.test").reason, "nothing in the SPF record of empty.test matches");
  EXPECT_THAT(check("192.0.2.1", "x@bad.test").reason, HasSubstr("foo:bar"));
  EXPECT_THAT(check("192.0.2.1", "x@includenone.test").reason, HasSubstr("nothing.test has no SPF record"));
  EXPECT_THAT(check("192.0.2.1", "x@broken.test").reason, HasSubstr("SERVFAIL"));
}

} // namespace
} // namespace paquebot::mailauth
