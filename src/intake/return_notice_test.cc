#include "intake/return_notice.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

TEST(ReturnNotice, WhatComesBack) {
  const std::string status =
      "\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; next.test\r\n\r\n"
      "Final-Recipient: rfc822; bob@next.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--x--\r\n";
  const std::string html = "\r\n--x\r\nContent-Type: text/html\r\n\r\n<b>pills</b>\r\n--x--\r\n";
  const struct {
    std::string field;
    Came plain, with_status;
  } cases[] = {
      {"Content-Type: multipart/report; report-type=delivery-status; boundary=x", Came::automatic, Came::report},
      {"Content-type: Multipart/Report; boundary=\"x\"", Came::automatic, Came::report},
      {"Content-Type: multipart/report; boundary=other", Came::automatic, Came::automatic},
      {"Content-Type: multipart/report\r\nAuto-Submitted: auto-replied", Came::automatic, Came::automatic},
      {"Content-Type: multipart/mixed; boundary=x", Came::anything, Came::anything},
      {"Auto-Submitted: auto-replied", Came::automatic, Came::automatic},
      {"Auto-Submitted: Auto-Generated (a comment)", Came::automatic, Came::automatic},
      {"Auto-Submitted: auto-replied; owner-email=x@y.test", Came::automatic, Came::automatic},
      {"Auto-Submitted: no", Came::anything, Came::anything},
      {"Auto-Submitted: maybe", Came::anything, Came::anything},
      {"Content-Type: multipart/mixed; boundary=\"multipart/report\"", Came::anything, Came::anything},
      {"Subject: multipart/report", Came::anything, Came::anything},
      {"Precedence: bulk", Came::anything, Came::anything},
  };
  for (const auto& one : cases) {
    const std::string text = one.field + "\r\n\r\n";
    const auto head = mail::Head::parse(text);
    ASSERT_TRUE(head);
    EXPECT_EQ(what_came(*head, text + html), one.plain) << one.field;
    EXPECT_EQ(what_came(*head, text + status), one.with_status) << one.field;
  }
}

TEST(ReturnNotice, IsOneMessageWhateverTheAddresses) {
  store::Forwarded about;
  about.sender = mail::make_address("b\xc3\xbc", "far.test").value();
  about.named = "fwd@example.org";
  const Notice notice = compose_return_notice("mx.example.org", about, "192.0.2.1", "ID",
                                              from_millis(1'790'000'000'000), KeptBack::formless);
  const auto head = mail::Head::parse(notice.head);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->value("To"), "<b\xc3\xbc@far.test>");
  EXPECT_EQ(head->value("Content-Transfer-Encoding"), "8bit");
  EXPECT_NE(notice.body.find("to <fwd@example.org>"), std::string::npos) << notice.body;
  EXPECT_NE(notice.body.find("a server at 192.0.2.1"), std::string::npos) << notice.body;
  about.named.clear();
  EXPECT_NE(compose_return_notice("h", about, "", "ID", {}, KeptBack::formless).body.find("another server"),
            std::string::npos);
}

TEST(ReturnNotice, AReportThatIsKeptBack) {
  store::Forwarded about;
  about.sender = {"ann", "far.test"};
  about.named = "fwd@example.org";
  const Notice notice = compose_return_notice("mx.example.org", about, "", "ID", {}, KeptBack::hidden);
  EXPECT_NE(notice.body.find("another server has answered with a report"), std::string::npos) << notice.body;
  EXPECT_EQ(notice.body.find("has not the form"), std::string::npos) << notice.body;
}

TEST(ReturnNotice, AnAutomaticAnswerIsNoSignOfAFailure) {
  store::Forwarded about;
  about.sender = {"ann", "far.test"};
  const std::string body = compose_return_notice("mx.example.org", about, "", "ID", {}, KeptBack::doubted).body;
  EXPECT_NE(body.find("an automatic answer."), std::string::npos) << body;
  EXPECT_EQ(body.find("could not be delivered"), std::string::npos) << body;
}

} // namespace
} // namespace paquebot::intake
