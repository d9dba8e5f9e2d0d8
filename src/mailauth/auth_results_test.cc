#include "base/text.h"
#include "mailauth/auth_results.h"

#include <gmock/gmock.h>

namespace paquebot::mailauth {
namespace {

/// "id|method=result reason {type.name=value}..." of what is read.
std::string read(std::string_view value) {
  const auto all = parse_auth_results(value);
  if (!all) return "error";
  std::string out = all->authserv_id;
  for (const auto& r : all->results) {
    out += "|" + r.method + "=" + r.result;
    if (!r.reason.empty()) out += " (" + r.reason + ")";
    for (const auto& p : r.properties) out += " " + p.type + "." + p.name + "=" + p.value;
  }
  return out;
}

// RFC 8601 appendix B, and more.
TEST(AuthResults, Reads) {
  const std::pair<const char*, const char*> cases[] = {
      {" example.org 1; none", "example.org"},
      {"example.org; none", "example.org"},
      {"example.com;\r\n spf=pass smtp.mailfrom=example.net", "example.com|spf=pass smtp.mailfrom=example.net"},
      {"example.com; auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n\tspf=pass smtp.mailfrom=example.net",
       "example.com|auth=pass smtp.auth=sender@example.net|spf=pass smtp.mailfrom=example.net"},
      {"foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
       " policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) "
       "1362471462",
       "foo.example.net|dkim=fail policy.expired=1362471462"},
      {"a.test; dkim=pass reason=\"good; \\\"signature\\\"\" header.i=@mail.example.net header.b=oINEO8+/=",
       "a.test|dkim=pass (good; \"signature\") header.i=@mail.example.net header.b=oINEO8+/="},
      {"\"a b\"; SPF=Pass", "a b|spf=pass"},
      {"a.test;", "a.test"},
      {"a.test", "a.test"},
      {"a.test; iprev=pass policy.iprev=192.0.2.200", "a.test|iprev=pass policy.iprev=192.0.2.200"},
      {"a.test; iprev=pass policy.iprev=2001:db8::1 (x)", "a.test|iprev=pass policy.iprev=2001:db8::1"},
  };
  for (const auto& [value, expected] : cases) EXPECT_EQ(read(value), expected) << value;
  for (const char* bad : {"", ";", "a.test 2; none", "a.test spf=pass", "a.test; spf", "a.test; =pass", "a.test; spf=",
                          "a.test; spf=pass smtp", "a.test; spf=pass smtp.=x", "a.test; spf=pass smtp.mailfrom",
                          "a.test (", "a.test; spf=pass smtp.mailfrom=\"x", "a.test; spf=pass; dkim"})
    EXPECT_EQ(read(bad), "error") << bad;
}

TEST(AuthResults, Composes) {
  AuthResults all{"mx.test", {}};
  EXPECT_EQ(compose_auth_results(all), "mx.test; none");
  SpfOutcome spf;
  spf.result = SpfResult::softfail;
  spf.domain = "a.test";
  spf.reason = "\"~all\" of a.test matches";
  SpfQuestion question;
  question.local = "x";
  all.results.push_back(auth_result(spf, question));
  DkimVerdict dkim;
  dkim.result = DkimResult::pass;
  dkim.domain = "a.test";
  dkim.identity = "@a.test";
  dkim.selector = "s";
  dkim.algorithm = "rsa-sha256";
  dkim.tag = "ab+/=\"\r\n";
  all.results.push_back(auth_result(dkim));
  DmarcOutcome dmarc;
  dmarc.result = DmarcResult::fail;
  dmarc.policy = DmarcPolicy::reject;
  dmarc.record = DmarcRecord{};
  dmarc.author = {Author::State::one, "a.test", {}};
  dmarc.reason = "nobody\r\nsent: this";
  all.results.push_back(auth_result(dmarc));
  ArcOutcome arc;
  arc.result = ArcResult::pass;
  all.results.push_back(auth_result(arc));
  const std::string value = compose_auth_results(all);
  EXPECT_EQ(read(value),
            "mx.test|spf=softfail (\"~all\" of a.test matches) smtp.mailfrom=x@a.test"
            "|dkim=pass header.d=a.test header.i=@a.test header.s=s header.a=rsa-sha256 header.b=ab+/=\""
            "|dmarc=fail (nobodysent: this) header.from=a.test policy.dmarc=reject|arc=pass header.oldest-pass=0");
  for (std::size_t at = value.find('\n'); at != std::string::npos; at = value.find('\n', at + 1))
    EXPECT_EQ(value.at(at + 1), '\t'); // no line begins a field
}

/// A field of a message in ASCII stays in ASCII (RFC 8601 section 2.2), and is not cut within a character.
TEST(AuthResults, ReasonsAreAscii) {
  AuthResults all{"mx.test", {}};
  all.results.push_back({"spf", "permerror", "\"a:" + std::string(195, 'x') + "…\" of a.test", {}});
  all.results.push_back({"dkim", "neutral", "tag é", {}});
  const std::string value = compose_auth_results(all);
  EXPECT_TRUE(is_ascii(value)) << value;
  EXPECT_THAT(value, testing::HasSubstr("reason=\"tag ?\""));
}

TEST(AuthResults, HeloIdentity) {
  const auto question = spf_question_for_helo(*parse_ip("192.0.2.1"), "helo.test", "mx.test");
  SpfOutcome spf;
  spf.result = SpfResult::pass;
  EXPECT_EQ(read(compose_auth_results({"mx.test", {auth_result(spf, question)}})),
            "mx.test|spf=pass smtp.helo=helo.test");
}

TEST(AuthResults, RemovesForgedOnes) {
  const std::string fields = "Authentication-Results: mx.test; spf=pass\r\n"
                             "AUTHENTICATION-RESULTS : (hi) MX.Test 1; none\r\n"
                             "Authentication-Results: \"mx.test\"; dkim=pass\r\n"
                             "Authentication-Results: other.test; dkim=pass\r\n"
                             "Authentication-Results: other.test 2; dkim=pass\r\n"
                             "Authentication-Results: mx.test.other.test; x=y\r\n"
                             "Authentication-Results:\r\n"
                             "Authentication-Results: (open mx.test; spf=pass\r\n"
                             "X-Authentication-Results: mx.test; spf=pass\r\n"
                             "From: a@a.test\r\n\r\n";
  auto head = *mail::Head::parse(fields);
  EXPECT_EQ(remove_forged_results(head, "mx.test"), 6u);
  EXPECT_EQ(head.to_string(), "Authentication-Results: other.test; dkim=pass\r\n"
                              "Authentication-Results: mx.test.other.test; x=y\r\n"
                              "X-Authentication-Results: mx.test; spf=pass\r\n"
                              "From: a@a.test\r\n\r\n");
  auto idn = *mail::Head::parse("Authentication-Results: b\xc3\xbc"
                                "cher.test; spf=pass\r\n\r\n");
  EXPECT_EQ(remove_forged_results(idn, "xn--bcher-kva.test"), 1u); // RFC 8601 section 5, internationalised
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "Authentication-Results: other.test; none\r\n";
  auto full = *mail::Head::parse(many + "\r\n");
  EXPECT_EQ(remove_forged_results(full, "mx.test"), 1000u);
}

} // namespace
} // namespace paquebot::mailauth
