#include "base/text.h"
#include "mail/content_type.h"
#include "mail/head.h"
#include "mail/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kReportHead =
    "From: me@home.example\r\nSubject: Hello\r\nMessage-ID: <1@home.example>\r\n\r\n";

Told by_server(Reply reply) {
  reply.heard = true;
  return Told::by(std::move(reply), "mail.there.example", "mail.there.example [192.0.2.1]:25 (TLSv1.3)");
}

ReportInput input() {
  ReportInput in;
  in.id = "01JREPORT";
  in.host = "mx.example.org";
  in.to = {"me", "home.example"};
  in.now = from_millis(1795435092000);
  in.original_id = "01JORIGINAL";
  in.envid = "QQ 31=4";
  in.arrival = from_millis(1795431492000);
  in.head = kReportHead;
  ReportRecipient r;
  r.address = {"you", "there.example"};
  r.orcpt = "rfc822;alias@example.org";
  r.told = by_server(Reply(550, {5, 1, 1}, "no such user here\nreally not"));
  r.last_attempt = from_millis(1795435080000);
  in.recipients.push_back(r);
  return in;
}

void expect_sound(const Report& report) {
  const std::string all = report.head + report.body;
  for (const std::string_view line : split(all, '\n')) EXPECT_LE(line.size(), 999U);
  EXPECT_TRUE(is_utf8(all));
  EXPECT_EQ(is_ascii(report.body), !report.eight_bit);
  EXPECT_EQ(is_ascii(report.head), !report.smtputf8);
  EXPECT_THAT(report.head, testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(report.body, testing::EndsWith("--\r\n"));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == '\n') {
      EXPECT_EQ(all[i - 1], '\r');
    }
  }
  EXPECT_TRUE(parse_report(all));
}

TEST(Report, Failure) {
  const Report report = compose_report(input());
  expect_sound(report);
  const Head head = *Head::parse(report.head);
  EXPECT_EQ(head.value("From"), "Mail delivery <mailer-daemon@mx.example.org>");
  EXPECT_EQ(head.value("To"), "<me@home.example>");
  EXPECT_EQ(head.value("Auto-Submitted"), "auto-replied");
  EXPECT_EQ(head.value("Subject"), "Mail delivery failed");
  EXPECT_EQ(head.value("Message-ID"), "<01JREPORT@mx.example.org>");
  EXPECT_EQ(head.value("In-Reply-To"), "<1@home.example>");
  EXPECT_EQ(parse_content_type(head.value("Content-Type")).report_type, "delivery-status");
  EXPECT_THAT(report.body, HasSubstr("<you@there.example> was refused by the server mail.there.example."));
  EXPECT_THAT(report.body, HasSubstr("You had sent it to <alias@example.org>."));
  EXPECT_THAT(report.body, HasSubstr("550 5.1.1 no such user here really not"));
  EXPECT_THAT(report.body, HasSubstr("There is no such mailbox."));
  EXPECT_THAT(report.body, HasSubstr("01JORIGINAL. With that id"));
  EXPECT_THAT(report.body, HasSubstr("Content-Type: text/rfc822-headers\r\n"));
  EXPECT_THAT(report.body, HasSubstr(kReportHead));

  const ParsedReport parsed = *parse_report(report.head + report.body);
  EXPECT_EQ(parsed.reporting_mta, "dns; mx.example.org");
  EXPECT_EQ(parsed.original_envelope_id, "QQ 31=4");
  EXPECT_EQ(parsed.arrival_date, "Mon, 23 Nov 2026 10:58:12 +0000");
  ASSERT_EQ(parsed.recipients.size(), 1U);
  const ParsedRecipient& r = parsed.recipients[0];
  EXPECT_EQ(r.original_recipient, "rfc822;alias@example.org");
  EXPECT_EQ(r.final_recipient, "rfc822; you@there.example");
  EXPECT_EQ(r.action, "failed");
  EXPECT_EQ(r.status, "5.1.1");
  EXPECT_EQ(r.remote_mta, "dns; mail.there.example");
  EXPECT_EQ(r.diagnostic_code, "smtp; 550 5.1.1 no such user here really not");
  EXPECT_EQ(r.last_attempt_date, "Mon, 23 Nov 2026 11:58:00 +0000");
  EXPECT_EQ(r.will_retry_until, "");
}

TEST(Report, EveryOutcome) {
  const struct {
    Outcome outcome;
    std::string_view action, status, subject;
  } cases[] = {
      {Outcome::failed, "failed", "5.0.0", "Mail delivery failed"},
      {Outcome::delayed, "delayed", "4.0.0", "Mail delivery delayed"},
      {Outcome::delivered, "delivered", "2.0.0", "Mail delivery report"},
      {Outcome::relayed, "relayed", "2.0.0", "Mail delivery report"},
      {Outcome::expanded, "expanded", "2.0.0", "Mail delivery report"},
  };
  for (const auto& c : cases) {
    ReportInput in = input();
    in.recipients[0].outcome = c.outcome;
    in.recipients[0].told = {};
    in.recipients[0].will_retry_until = in.now;
    const Report report = compose_report(in);
    expect_sound(report);
    const ParsedReport parsed = *parse_report(report.head + report.body);
    EXPECT_EQ(parsed.recipients[0].action, c.action);
    EXPECT_EQ(parsed.recipients[0].status, c.status);
    EXPECT_EQ(parsed.recipients[0].will_retry_until.empty(), c.outcome != Outcome::delayed);
    EXPECT_EQ(Head::parse(report.head)->value("Subject"), c.subject);
  }
}

/// The class is that of the action, of a failure that of the reply's code: whatever the other server says.
TEST(Report, StatusIsOfTheRightClass) {
  const struct {
    Outcome outcome;
    Told told;
    EnhancedCode status;
  } cases[] = {
      {Outcome::failed, by_server({421, {}, "busy"}), {4, 0, 0}},
      {Outcome::failed, by_server({554, {}, "no"}), {5, 0, 0}},
      {Outcome::failed, by_server({450, {}, "5.1.1 no such user"}), {4, 1, 1}},
      {Outcome::delayed, by_server({450, {}, "5.1.1 no such user"}), {4, 1, 1}},
      {Outcome::failed, by_server({550, {}, "2.1.5 delivered"}), {5, 1, 5}},
      {Outcome::relayed, by_server({250, {}, "5.7.1 taken"}), {2, 7, 1}},
      {Outcome::relayed, by_server({250, {2, 1, 5}, "taken"}), {2, 1, 5}},
      {Outcome::failed, Told::by({450, {4, 4, 7}, "delivery time expired"}), {4, 4, 7}},
      {Outcome::failed, Told::by({554, {5, 4, 7}, "5.1.1 ours are never read"}), {5, 4, 7}},
      {Outcome::failed, Told::by({554, {}, "5.1.1 ours are never read"}), {5, 0, 0}},
      {Outcome::failed, {}, {5, 0, 0}},
      {Outcome::delayed, {}, {4, 0, 0}},
  };
  for (const auto& c : cases) {
    ReportRecipient r;
    r.outcome = c.outcome;
    r.told = c.told;
    EXPECT_EQ(status_of(r), c.status) << c.told.to_string();
  }
  ReportRecipient softened;
  softened.told = by_server({554, {5, 7, 1}, "rejected"});
  softened.told.own = Reply(451, {4, 4, 2}, "the server refused the session");
  softened.outcome = Outcome::delayed;
  EXPECT_EQ(status_of(softened), (EnhancedCode{4, 4, 2}));
}

TEST(Report, NobodySpeaksForAnother) {
  const std::string forged = "rejected, upstream said: 250 2.1.5 delivered fine";
  ReportInput in = input();
  in.recipients[0].told = by_server({554, {5, 7, 1}, forged});
  in.recipients[0].told.own = Reply(451, {4, 4, 2}, "the server refused the session");
  Report report = compose_report(in);
  expect_sound(report);
  ParsedRecipient row = parse_report(report.head + report.body)->recipients[0];
  EXPECT_EQ(row.status, "4.4.2");
  EXPECT_EQ(row.remote_mta, "dns; mail.there.example");
  EXPECT_EQ(row.diagnostic_code, "smtp; 554 5.7.1 " + forged);
  EXPECT_THAT(report.body, HasSubstr("was not delivered."));
  EXPECT_THAT(report.body, HasSubstr("The reason:\r\n    the server refused the session\r\n"));
  EXPECT_THAT(report.body, HasSubstr("The server mail.there.example said:\r\n    554 5.7.1 rejected"));

  in.recipients[0].told =
      Told::by({450, {4, 4, 2}, "the connection was lost"}, "mail.there.example", "mail.there.example [192.0.2.1]:25");
  report = compose_report(in);
  row = parse_report(report.head + report.body)->recipients[0];
  EXPECT_EQ(row.status, "4.4.2");
  EXPECT_EQ(row.remote_mta, "") << "it reported nothing (RFC 3464 section 2.3.5)";
  EXPECT_EQ(row.diagnostic_code, "x-paquebot; the connection was lost (mail.there.example [192.0.2.1]:25)");
  EXPECT_THAT(report.body, Not(HasSubstr("said:")));
}

/// RFC 3461 sections 4.2, 4.4, 5.4: what the sender gave comes back octet by octet.
TEST(Report, AddressesAndEnvidComeBackAsTheyWere) {
  ReportInput in = input();
  in.envid = "two  blanks   and\\x{41}+41 " + std::string(60, 'e') + "  end";
  in.recipients[0].address = {"a  b   c", "there.example"};
  in.recipients[0].orcpt = "rfc822;\"x   " + std::string(80, 'y') + "  z\\x{41}\"@example.org";
  const Report report = compose_report(in);
  expect_sound(report);
  EXPECT_THAT(report.body, HasSubstr("\r\nOriginal-Envelope-Id: " + in.envid + "\r\n"));
  EXPECT_THAT(report.body, HasSubstr("\r\nOriginal-Recipient: " + in.recipients[0].orcpt + "\r\n"));
  EXPECT_THAT(report.body, HasSubstr("\r\nFinal-Recipient: rfc822; \"a  b   c\"@there.example\r\n"));
}

TEST(Report, ReturnsTheWholeWhenItMay) {
  ReportInput in = input();
  in.body = "the text caf\xC3\xA9\r\n";
  const Report full = compose_report(in);
  expect_sound(full);
  EXPECT_THAT(full.body, HasSubstr("Content-Type: message/rfc822\r\n"));
  EXPECT_THAT(full.body, HasSubstr("the text caf=C3=A9\r\n"));
  in.ret = Ret::headers;
  EXPECT_THAT(compose_report(in).body, Not(HasSubstr("the text")));
  in.ret = Ret::full;
  in.recipients[0].outcome = Outcome::delayed;
  EXPECT_THAT(compose_report(in).body, Not(HasSubstr("the text")));
}

TEST(Report, HostileOriginals) {
  const std::pair<std::string, std::string> cases[] = {
      {"Subject: raw \xE9\r\n\r\n", "body\r\n"},
      {"\r\n", "\xFF"},
      {"X: " + std::string(5000, 'x') + "\r\n\r\n", std::string(5000, 'y')},
      {"Content-Transfer-Encoding: base64\r\n\r\n", "\xFF\r\n"},
      {std::string("X: a\0b\r\n\r\n", 10), "z"},
      {"X: lf\n\n", "a\nb\rc"},
      {"Message-ID: <a b\xFF>\r\n\r\n", ""},
      {"Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nno end"},
  };
  for (const bool smtputf8 : {false, true}) {
    for (const auto& [head, body] : cases) {
      ReportInput in = input();
      in.head = head;
      in.body = body;
      in.smtputf8 = smtputf8;
      expect_sound(compose_report(in));
    }
  }
}

TEST(Report, HostileReplies) {
  for (const std::string& text :
       {std::string(100'000, 'x'), std::string("a\r\n\r\n--evil\r\nFinal-Recipient: rfc822; x@y\r\n"),
        std::string("\xFF\x1b[2J\xC2\x9B"), std::string(3000, ' ') + "x", std::string("caf\xC3\xA9"),
        std::string(899, 'x') + ": " + std::string(899, 'y') + ": z"}) {
    ReportInput in = input();
    in.recipients[0].told = by_server(Reply(550, {5, 7, 1}, text));
    in.recipients[0].told.host = text;
    in.recipients[0].orcpt = "rfc822;" + text.substr(0, 400);
    in.envid = text.substr(0, 100);
    const Report report = compose_report(in);
    for (const std::string_view line : split(report.head + report.body, '\n')) EXPECT_LE(line.size(), 999U);
    const ParsedReport parsed = *parse_report(report.head + report.body);
    EXPECT_EQ(parsed.recipients.size(), 1U);
  }
}

TEST(Report, International) {
  ReportInput in = input();
  in.recipients[0].address = {"jörg", "xn--bcher-kva.example"};
  in.recipients[0].orcpt = "utf-8;j\u00F6rg+a\\x{41}@example.org"; // decoded when it came, and never again
  const Report report = compose_report(in);
  expect_sound(report);
  EXPECT_TRUE(report.eight_bit);
  EXPECT_FALSE(report.smtputf8);
  EXPECT_THAT(report.body, HasSubstr("Content-Type: message/global-delivery-status\r\n"));
  const ParsedReport parsed = *parse_report(report.head + report.body);
  EXPECT_EQ(parsed.recipients[0].final_recipient, "utf-8; jörg@xn--bcher-kva.example");
  EXPECT_EQ(parsed.recipients[0].original_recipient, "utf-8;jörg\\x{2B}a\\x{5C}x{41}@example.org");

  in.to = {"用户", "example.org"};
  in.smtputf8 = true;
  in.head = "Subject: été\r\n\r\n";
  const Report both = compose_report(in);
  expect_sound(both);
  EXPECT_TRUE(both.smtputf8);
  EXPECT_THAT(both.body, HasSubstr("Content-Type: message/global-headers\r\n"));
  in.body = "été\r\n";
  EXPECT_THAT(compose_report(in).body, HasSubstr("Content-Type: message/global\r\n"));
}

/// RFC 8689 section 5.
TEST(Report, RedactedTellsNothingOfTheMessage) {
  ReportInput in = input();
  in.body = "the text\r\n";
  for (const Ret ret : {Ret::headers, Ret::full}) {
    in.ret = ret;
    const Report report = compose_report(in);
    const auto left = redact_report(report.head, report.body);
    ASSERT_TRUE(left);
    Report redacted = report;
    redacted.head = left->head;
    redacted.body = left->body;
    expect_sound(redacted);
    for (const char* told : {"Subject: Hello", "From: me@home.example", "the text", "1@home.example"})
      EXPECT_THAT(left->head + left->body, Not(HasSubstr(told)));
    EXPECT_THAT(left->body, HasSubstr("are left out"));
    const ParsedReport parsed = *parse_report(left->head + left->body);
    EXPECT_EQ(parsed.recipients.at(0).status, "5.1.1");
    EXPECT_EQ(parsed.returned_head, "");
  }
  EXPECT_FALSE(redact_report("Subject: no report\r\n\r\n", "text\r\n"));
  const Report report = compose_report(in);
  EXPECT_FALSE(redact_report(report.head, report.body.substr(0, 100)));
}

TEST(Report, ManyRecipients) {
  ReportInput in = input();
  while (in.recipients.size() < 500) in.recipients.push_back(in.recipients[0]);
  const Report report = compose_report(in);
  EXPECT_EQ(parse_report(report.head + report.body)->recipients.size(), 500U);
}

TEST(ParseReport, OtherServersReports) {
  const ParsedReport parsed = *parse_report(
      "Content-Type: multipart/report; report-type=delivery-status; boundary=\"X\"\n\npreamble\n--X\n\ntext\n--X\n"
      "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
      "UmVwb3J0aW5nLU1UQTogZG5zOyBhCgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjsgYkBjCkFjdGlvbjogRmFpbGVkCg==\n--X--\n");
  ASSERT_EQ(parsed.recipients.size(), 1U);
  EXPECT_EQ(parsed.reporting_mta, "dns; a");
  EXPECT_EQ(parsed.recipients[0].final_recipient, "rfc822; b@c");
  EXPECT_EQ(parsed.recipients[0].action, "failed");
}

TEST(ParseReport, TheReturnedHead) {
  const std::string start =
      "Content-Type: multipart/report; boundary=X\r\n\r\n--X\r\nContent-Type: message/delivery-status\r\n\r\n"
      "Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: rfc822; b@c\r\nAction: failed\r\n\r\n--X\r\n";
  for (const char* type : {"message/rfc822", "text/rfc822-headers", "message/global-headers"}) {
    const auto parsed =
        parse_report(start + "Content-Type: " + type + "\r\n\r\nSubject: hello\r\n\r\nbody\r\n--X--\r\n");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->returned_head, "Subject: hello\r\n\r\n") << type;
  }
  EXPECT_EQ(parse_report(start + "Content-Type: text/plain\r\n\r\nSubject: hello\r\n--X--\r\n")->returned_head, "");
  const auto large = parse_report(start + "Content-Type: message/rfc822\r\n\r\nSubject: " + std::string(100'000, 'x') +
                                  "\r\n--X--\r\n");
  EXPECT_LE(large->returned_head.size(), 65'536U);
}

TEST(ParseReport, Refuses) {
  for (const std::string_view text :
       {"", "Subject: x\r\n\r\nhello", "Content-Type: multipart/report\r\n\r\n",
        "Content-Type: multipart/report; boundary=b\r\n\r\n",
        "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: "
        "message/delivery-status\r\n\r\n--b--\r\n",
        "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\n--b--\r\n"}) {
    EXPECT_FALSE(parse_report(text)) << text;
  }
}

TEST(Report, TellsWhatTheSenderSaidOfTime) {
  ReportInput input;
  input.id = "R";
  input.host = "mx.example";
  input.to = {"s", "example.net"};
  input.head = "Subject: x\r\n\r\n";
  input.recipients = {{.address = {"a", "b.example"}}};
  const std::string without = compose_report(input).body;
  EXPECT_EQ(without.find("Deliver-By-Date"), std::string::npos);
  EXPECT_EQ(without.find("Future-Release-Request"), std::string::npos);
  input.deliver_by = from_millis(0);
  input.hold_request = "for;60";
  const std::string with = compose_report(input).body;
  EXPECT_NE(with.find("\r\nDeliver-By-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"), std::string::npos) << with;
  EXPECT_NE(with.find("\r\nFuture-Release-Request: for;60\r\n"), std::string::npos) << with;
}

} // namespace
} // namespace paquebot::mail
