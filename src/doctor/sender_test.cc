#include "doctor/checks.h"
#include "doctor/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::doctor {
namespace {

using policy::Attempt;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using What = Attempt::What;

constexpr std::int64_t kAt = 1'800'000'000'000;
const LoginPorts kPorts{.submission_tls = 465, .submission_starttls = 587, .pop3_tls = 995, .pop3_starttls = 110};
const Sufferer kAnn{.login = "ann@example.org", .addresses = {"ann.smith@example.org"}};

Attempt attempt(What what, std::string name = {}, std::string why = {}) {
  return {.what = what,
          .at = kAt - 1000,
          .client = "203.0.113.9",
          .port = 587,
          .protocol = "smtp",
          .name = std::move(name),
          .why = std::move(why)};
}

TEST(DoctorSender, WhoMayBeMeant) {
  for (const char* name :
       {"ann@example.org", "ANN@Example.org", "ann", "ann.smith", "ann@exmaple.org", "ann.smith@example.org"})
    EXPECT_TRUE(may_mean(kAnn, name)) << name;
  for (const char* name : {"", "bob", "bob@example.org", "annabel", "example.org"})
    EXPECT_FALSE(may_mean(kAnn, name)) << name;
}

TEST(DoctorSender, WithoutTheDomain) {
  Attempt one = attempt(What::wrong, "ann");
  one.times = 14;
  const Finding finding = explain(one, &kAnn, kPorts, kAt);
  EXPECT_THAT(finding.seen,
              StartsWith("Your program at 203.0.113.9 tried to log in as ann without @example.org on 587, 14 times."));
  EXPECT_THAT(finding.advice, HasSubstr("ann@example.org"));
}

struct Case {
  Attempt tried;
  const char* seen;
  const char* advice;
};

TEST(DoctorSender, InPlainWords) {
  Attempt on_25 = attempt(What::not_for_login, "");
  on_25.port = 25;
  Attempt pop3 = attempt(What::clear_login, "");
  pop3.protocol = "pop3";
  pop3.port = 110;
  const Case cases[] = {
      {attempt(What::tls_at_once), "spoke TLS at once to 587", "Choose port 465 in the program, or STARTTLS"},
      {on_25, "logs in on 25", "Use port 465 with TLS"},
      {attempt(What::tls_failed, "", "tlsv1 alert unknown ca"), "did not trust our certificate",
       "name that the certificate has"},
      {attempt(What::tls_failed, "", "wrong version number"), "spoke without TLS", "SSL/TLS"},
      {attempt(What::tls_failed, "", "http request"), "spoke HTTP", "mail programs"},
      {attempt(What::tls_failed, "", "unsupported protocol"), "too old", "TLS 1.2"},
      {attempt(What::tls_failed, "", "the peer closed the connection"), "broke TLS off", "does not trust"},
      {attempt(What::clear_login), "without encryption", "Choose port 465"},
      {pop3, "without encryption on 110", "Choose port 995"},
      {attempt(What::no_login), "without having logged in", "asks for name and password"},
      {attempt(What::mechanism, "", "this mechanism is not offered here"), "broke the login off", "normal password"},
      {attempt(What::wrong, "ann@example.org"), "wrong name or password", "it is the password"},
      {attempt(What::wrong, "ann@example.org", "the account has a second factor: mail programs need an app password"),
       "with the account's own password", "app-password add"},
      {attempt(What::wrong, "ann@exmaple.org"), "the domain is another one", "ann@example.org"},
      {attempt(What::disabled, "ann@example.org"), "the account is disabled", "account enable"},
      {attempt(What::temporary, "ann@example.org"), "could not be checked", "tries again"},
      {attempt(What::turned_away, "", "too many connections"), "was not let in", ""},
  };
  for (const Case& one : cases) {
    const Finding finding = explain(one.tried, &kAnn, kPorts, kAt);
    EXPECT_THAT(finding.seen, HasSubstr(one.seen));
    EXPECT_THAT(finding.advice, HasSubstr(one.advice)) << finding.seen;
  }
}

TEST(DoctorSender, Slowed) {
  Attempt one = attempt(What::put_off, "ann@example.org");
  one.until = kAt + 60'000;
  EXPECT_THAT(explain(one, &kAnn, kPorts, kAt).seen,
              HasSubstr("is slowed after too many wrong logins, until " + moment(one.until)));
  one.until = kAt - 60'000;
  EXPECT_EQ(explain(one, &kAnn, kPorts, kAt).level, Level::note);
}

SenderFacts facts() {
  SenderFacts all;
  all.who = kAnn;
  all.ports = kPorts;
  all.now = kAt;
  all.started = kAt - 3'600'000;
  return all;
}

TEST(DoctorSender, NobodyCame) {
  const auto findings = explain_sender(facts());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].level, Level::unknown);
  EXPECT_THAT(findings[0].seen, HasSubstr("No program has come in the name of ann@example.org"));
  SenderFacts down = facts();
  down.started = 0;
  EXPECT_THAT(explain_sender(down)[0].seen, HasSubstr("running server only"));
}

TEST(DoctorSender, NamelessOnesMayBeHers) {
  SenderFacts all = facts();
  all.strangers = {attempt(What::tls_at_once)};
  const auto findings = explain_sender(all);
  EXPECT_EQ(findings[0].level, Level::unknown);
  EXPECT_THAT(findings[0].means, HasSubstr("It said no name"));
}

TEST(DoctorSender, FromIsNotHers) {
  SenderFacts all = facts();
  for (int i = 0; i < 3; ++i)
    all.refusals.push_back({kAt - 60'000, "203.0.113.9", "ann@example.org", "boss@example.org", "x@example.net",
                            "553 5.7.1 <boss@example.org> is not an address of account ann@example.org"});
  const auto findings = explain_sender(all);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].seen, HasSubstr("was refused, 3 times"));
  EXPECT_THAT(findings[0].means, StartsWith("The From is not yours: boss@example.org"));
}

TEST(DoctorSender, LimitsHoldsAndAccount) {
  SenderFacts all = facts();
  all.limits = {
      {.kind = store::LimitKind::messages_per_day, .used = 500, .most = 500, .own = false, .until = kAt + 3'600'000}};
  all.mark =
      store::Suspicion{.account = 1, .login = "ann@example.org", .since = kAt - 60'000, .reason = "many networks"};
  all.disabled = true;
  all.has_password = false;
  const auto findings = explain_sender(all);
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_THAT(findings[2].seen, HasSubstr("is held since " + moment(kAt - 60'000)));
  EXPECT_THAT(findings[3].seen, HasSubstr("at its limit messages_per_day (500), until " + moment(kAt + 3'600'000)));
}

TEST(DoctorSender, ItHasWorkedSince) {
  SenderFacts all = facts();
  all.attempts = {attempt(What::wrong, "ann")};
  all.logins.emplace();
  all.logins->succeeded = {kAt, "203.0.113.9", "smtp"};
  const auto findings = explain_sender(all);
  EXPECT_EQ(findings[0].level, Level::note);
  EXPECT_EQ(findings.back().level, Level::good);
}

TEST(DoctorSender, HostileNamesAreShownPlainly) {
  const Finding finding = explain(attempt(What::wrong, "ann\x1b[2J\n"), nullptr, kPorts, kAt);
  EXPECT_EQ(finding.seen.find('\x1b'), std::string::npos);
  EXPECT_EQ(finding.seen.find('\n'), std::string::npos);
}

} // namespace
} // namespace paquebot::doctor
