#include "smtp/test_client_script.h"

namespace paquebot::smtp {
namespace {

using namespace script;
using namespace std::string_literals;

TEST(SmtpClient, SendsWithoutPipelining) {
  check({"step by step",
         plain({message_to({"bob", "nobody"})}),
         R"(
S: 220-there.example
S: 220 ESMTP
C: EHLO here.example
S: 250-there.example greets you
S: 250 SIZE 1000000
C: MAIL FROM:<ann@here.example>
S: 250 ok
C: RCPT TO:<bob@there.example>
S: 250 2.1.5 ok
C: RCPT TO:<nobody@there.example>
S: 550-5.1.1 no such user
S: 550 5.1.1 really
C: DATA
S: 354 go on
C: Subject: hello
C: 
C: ..body
C: .
S: 250 2.0.0 queued as 42
C: QUIT
S: 221 bye
)",
         {.results = {"250 2.0.0 queued as 42", "550 5.1.1 no such user really"}}});
}

TEST(SmtpClient, PipelinesWhenOffered) {
  check({"in one write",
         plain({message_to({"bob", "nobody"})}),
         R"(
S: 220 there.example
C: EHLO here.example
S: 250-there.example
S: 250 PIPELINING
C: MAIL FROM:<ann@here.example>
C: RCPT TO:<bob@there.example>
C: RCPT TO:<nobody@there.example>
C: DATA
S: 250 ok
S: 250 ok
S: 550 no
S: 354 go on
C: Subject: hello
C: 
C: ..body
C: .
S: 250 ok
C: QUIT
eof
)",
         {.results = {"250 ok", "550 no"}}});
}

TEST(SmtpClient, SendsSeveralMessagesOverOneConnection) {
  check({"two messages, the first one refused",
         plain({message_to({"nobody"}), message_to({"bob"})}),
         R"(
S: 220 there.example
C: EHLO here.example
S: 250-there.example
S: 250 PIPELINING
C: MAIL FROM:<ann@here.example>
C: RCPT TO:<nobody@there.example>
C: DATA
S: 250 ok
S: 550 no
S: 554 no valid recipients
C: RSET
C: MAIL FROM:<ann@here.example>
C: RCPT TO:<bob@there.example>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go on
C: Subject: hello
C: 
C: ..body
C: .
S: 451 4.3.0 try later
C: QUIT
S: 221 bye
)",
         {.results = {"550 no", "451 4.3.0 try later"}}});
}

TEST(SmtpClient, FallsBackToHelo) {
  check({"HELO",
         plain(),
         R"(
S: 220 there.example
C: EHLO here.example
S: 502 what?
C: HELO here.example
S: 250 there.example
C: MAIL FROM:<ann@here.example>
S: 250 ok
C: RCPT TO:<bob@there.example>
S: 251 will forward
C: DATA
S: 354 go on
C: Subject: hello
C: 
C: ..body
C: .
S: 250
C: QUIT
S: 221
)",
         {.results = {"250"}}});
}

TEST(SmtpClient, RefusedSetUp) {
  const std::string refused_greeting = "S: 554 5.7.1 go away\nC: QUIT\neof\n";
  check({"greeting", plain(), refused_greeting.c_str(), {.failure = "554 5.7.1 go away"}});
  check({"busy", plain(), "S: 421 busy\n", {.failure = "421 busy"}});
  const std::string ehlo_4xx = kGreeting + "S: 450 4.7.1 not yet\nC: QUIT\n"s;
  check({"EHLO 4xx is not HELO's business", plain(), ehlo_4xx.c_str(), {.failure = "450 4.7.1 not yet"}});
  const std::string both = kGreeting + "S: 500 no\nC: HELO here.example\nS: 550 5.7.1 no\nC: QUIT\n"s;
  check({"HELO", plain(), both.c_str(), {.failure = "550 5.7.1 no"}});
}

TEST(SmtpClient, Tls) {
  const auto required = with(plain(), [](Setting& s) { s.options.tls_required = true; });
  const auto offered = kGreeting + "S: 250-there.example\nS: 250 STARTTLS\nC: STARTTLS\n"s;
  const auto starts = offered + "S: 220 go\ntls\nC: EHLO here.example\nS: 250 there.example\n" + kTransaction;
  check({"STARTTLS", plain(), starts.c_str(), {.results = {"250 ok"}}});
  const auto refused = offered + "S: 454 4.7.0 not now\n" + kTransaction;
  check({"refused and not required", plain(), refused.c_str(), {.results = {"250 ok"}}});
  const auto must = offered + "S: 454 4.7.0 not now\nC: QUIT\n";
  check({"refused and required",
         required,
         must.c_str(),
         {.failure = "454 4.7.0 not now", .breakage = Breakage::tls_unavailable}});
  const auto missing = kGreeting + "S: 250 there.example\nC: QUIT\n"s;
  check({"not offered and required",
         required,
         missing.c_str(),
         {.failure = "450 4.7.10 the other server offers no TLS, which is required here",
          .breakage = Breakage::tls_unavailable}});
  const auto fails = offered + "S: 220 go\ntls-fails\n";
  check({"handshake fails",
         plain(),
         fails.c_str(),
         {.failure = "450 4.7.5 the TLS handshake failed", .breakage = Breakage::tls_failed}});
  const auto injected = offered + "S: 220 go\nS: 250 there.example\n";
  check({"bytes behind the go-ahead",
         plain(),
         injected.c_str(),
         {.failure = "450 4.5.0 the other server broke the protocol: bytes in clear behind the reply to STARTTLS",
          .breakage = Breakage::tls_failed}});
  const auto lost = offered + "eof\n";
  check({"closes at STARTTLS",
         plain(),
         lost.c_str(),
         {.failure = "450 4.4.2 the connection was lost", .breakage = Breakage::tls_failed}});
}

TEST(SmtpClient, LogsIn) {
  const auto user = with(plain(), [](Setting& s) {
    s.encrypted = true;
    s.options.user = "ann";
    s.options.password = "secret";
  });
  const auto plain_auth =
      kGreeting + "S: 250-there.example\nS: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AGFubgBzZWNyZXQ=\n"s;
  check({"PLAIN", user, (plain_auth + "S: 235 2.7.0 in\n" + kTransaction).c_str(), {.results = {"250 ok"}}});
  check({"wrong", user, (plain_auth + "S: 535 5.7.8 no\nC: QUIT\n").c_str(), {.failure = "535 5.7.8 no"}});
  const auto login_auth =
      kGreeting + "S: 250-there.example\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YW5u\nS: 334 "
                  "what?\nC: c2VjcmV0\nS: 235 in\n"s;
  check({"LOGIN", user, (login_auth + kTransaction).c_str(), {.results = {"250 ok"}}});
  for (const std::string line :
       {"AUTH=LOGIN PLAIN", "auth=PLAIN", "AUTH=PLAIN LOGIN\nS: 250 AUTH PLAIN LOGIN", "AUTH  PLAIN"}) {
    auto old_form = plain_auth;
    old_form.replace(old_form.find("AUTH LOGIN PLAIN"), 16, line);
    if (const auto second = old_form.find("\nS: 250 AUTH PLAIN LOGIN"); second != std::string::npos)
      old_form[old_form.rfind("S: 250 AUTH=") + 6] = '-';
    check(
        {"written otherwise", user, (old_form + "S: 235 2.7.0 in\n" + kTransaction).c_str(), {.results = {"250 ok"}}});
  }
  const auto endless = plain_auth + "S: 334 more\n";
  check({"asks for ever",
         user,
         endless.c_str(),
         {.failure = "450 4.5.0 the other server broke the protocol: the server asks for more than PLAIN has",
          .breakage = Breakage::malformed}});
  const auto none = kGreeting + "S: 250-there.example\nS: 250 AUTH GSSAPI\nC: QUIT\n"s;
  check(
      {"none that we know",
       user,
       none.c_str(),
       {.failure = "450 4.7.4 the other server offers no login that we know", .breakage = Breakage::auth_unavailable}});
  const auto clear = with(user, [](Setting& s) { s.encrypted = false; });
  const auto in_clear = kGreeting + "S: 250-there.example\nS: 250 AUTH PLAIN\nC: QUIT\n"s;
  check(
      {"never in clear",
       clear,
       in_clear.c_str(),
       {.failure = "450 4.7.4 no login without TLS, which it does not offer", .breakage = Breakage::auth_unavailable}});
}

TEST(SmtpClient, UsesWhatThePeerOffers) {
  auto message = message_to({"bob"});
  message.size = 26;
  message.sender.body = mail::BodyType::eight_bit;
  message.sender.ret = mail::Ret::headers;
  message.sender.envid = "a+b";
  message.recipients[0].notify = mail::kNotifySuccess | mail::kNotifyDelay;
  message.recipients[0].orcpt = "rfc822;Bob=x@there.example";
  const auto all = kGreeting + R"(S: 250-there.example
S: 250-size 1000
S: 250-8bitmime
S: 250-SMTPUTF8
S: 250 DSN
C: MAIL FROM:<ann@here.example> SIZE=26 BODY=8BITMIME RET=HDRS ENVID=a+2Bb
S: 250 ok
C: RCPT TO:<bob@there.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+3Dx@there.example
S: 550 5.1.1 no
C: QUIT
S: 221 bye
)"s;
  check({"all", plain({message}), all.c_str(), {.results = {"550 5.1.1 no"}}});
  const auto none = kGreeting + "S: 250 there.example\n"s + kTransaction;
  check({"nothing", plain({message}), none.c_str(), {.results = {"250 ok"}}});
}

TEST(SmtpClient, InternationalMail) {
  auto message = message_to({"bob", "j\xC3\xBCrgen"});
  EXPECT_TRUE(needs_smtputf8(message));
  EXPECT_FALSE(needs_smtputf8(message_to({"bob"})));
  const auto offered =
      kGreeting +
      "S: 250-there.example\nS: 250 SMTPUTF8\nC: MAIL FROM:<ann@here.example> SMTPUTF8\nS: 550 no\nC: QUIT\n"
      "S: 221 bye\n"s;
  check({"offered", plain({message}), offered.c_str(), {.results = {"550 no", "550 no"}}});
  const auto lacking = kGreeting + "S: 250 there.example\n"s + kTransaction;
  check({"lacking",
         plain({message}),
         lacking.c_str(),
         {.results = {"250 ok", "550 5.6.7 the other server does not take internationalised addresses"}}});
  message.international_header = true;
  const auto nothing = kGreeting + "S: 250 there.example\nC: QUIT\nS: 221 bye\n"s;
  const std::string refused = "550 5.6.7 the other server does not take internationalised mail";
  check({"header", plain({message}), nothing.c_str(), {.results = {refused, refused}}});
}

TEST(SmtpClient, TooLargeForThePeer) {
  auto message = message_to({"bob"});
  message.size = 1001;
  const auto script = kGreeting + "S: 250-there.example\nS: 250 SIZE 1000\nC: QUIT\nS: 221 bye\n"s;
  check({"size",
         plain({message}),
         script.c_str(),
         {.results = {"552 5.3.4 the message is larger than the other server takes (1000 octets)"}}});
}

} // namespace
} // namespace paquebot::smtp
