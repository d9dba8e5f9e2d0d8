#include "intake/return_notice.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

TEST(ReturnNotice, WhatHasTheFormOfAReport) {
  for (const auto& [field, wanted] : std::initializer_list<std::pair<const char*, bool>>{
           {"Content-Type: multipart/report; report-type=delivery-status; boundary=x", true},
           {"Content-type: Multipart/Report; boundary=x", true},
           {"Auto-Submitted: auto-replied", true},
           {"Auto-Submitted: Auto-Generated (a comment)", true},
           {"Auto-Submitted: auto-replied; owner-email=x@y.test", true},
           {"Auto-Submitted: no", false},
           {"Auto-Submitted: maybe", false},
           {"Content-Type: multipart/mixed; boundary=\"multipart/report\"", false},
           {"Subject: multipart/report", false},
           {"Precedence: bulk", false}})
    EXPECT_EQ(is_answer_by_form(mail::Head::parse(std::string(field) + "\r\n\r\n").value()), wanted) << field;
}

TEST(ReturnNotice, IsOneMessageWhateverTheAddresses) {
  store::Forwarded about;
  about.sender = mail::make_address("b\xc3\xbc", "far.test").value();
  about.named = "fwd@example.org";
  const Notice notice =
      compose_return_notice("mx.example.org", about, "192.0.2.1", "ID", from_millis(1'790'000'000'000));
  const auto head = mail::Head::parse(notice.head);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->value("To"), "<b\xc3\xbc@far.test>");
  EXPECT_EQ(head->value("Content-Transfer-Encoding"), "8bit");
  EXPECT_NE(notice.body.find("to <fwd@example.org>"), std::string::npos) << notice.body;
  EXPECT_NE(notice.body.find("a server at 192.0.2.1"), std::string::npos) << notice.body;
  about.named.clear();
  EXPECT_NE(compose_return_notice("h", about, "", "ID", {}).body.find("another server"), std::string::npos);
}

TEST(ReturnNotice, AReportThatIsKeptBack) {
  store::Forwarded about;
  about.sender = {"ann", "far.test"};
  about.named = "fwd@example.org";
  const Notice notice = compose_return_notice("mx.example.org", about, "", "ID", {}, true);
  EXPECT_NE(notice.body.find("another server has answered with a report"), std::string::npos) << notice.body;
  EXPECT_EQ(notice.body.find("has not the form"), std::string::npos) << notice.body;
}

} // namespace
} // namespace paquebot::intake
