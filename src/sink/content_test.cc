#include "sink/content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::sink {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kLetter =
    "From: Shop <orders@shop.example>\r\n"
    "To: Carl <carl@example.com>, =?utf-8?q?D=C3=B6ra?= <dora@example.net>\r\n"
    "Subject: Your order =?utf-8?b?MTA0Mg==?=\r\n"
    "Message-ID: <1042@shop.example>\r\nDate: Tue, 24 Nov 2026 10:23:41 +0100\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
    "--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
    "--r\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    "--a\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\nGr=FC=DFe\r\n--a\r\n"
    "Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <img src=\"cid:logo@x\"></p>\r\n--a--\r\n"
    "--r\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: "
    "base64\r\n\r\niVBORw==\r\n--r--\r\n"
    "--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
    "filename=\"../../a b.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--m--\r\n";

TEST(SinkContent, ReadsAllThatPeopleLookAt) {
  const Content content = read_content(kLetter);
  ASSERT_TRUE(content.from);
  EXPECT_EQ(content.from->name, "Shop");
  EXPECT_EQ(content.from->address, "orders@shop.example");
  ASSERT_EQ(content.to.size(), 2u);
  EXPECT_EQ(content.to[1].name, "D\xC3\xB6ra");
  EXPECT_EQ(content.subject, "Your order 1042");
  EXPECT_EQ(content.message_id, "1042@shop.example");
  EXPECT_EQ(millis(content.date.value()), 1795512221000);
  EXPECT_THAT(content.text, HasSubstr("Gr\xC3\xBC\xC3\x9F"
                                      "e"));
  EXPECT_THAT(content.html, HasSubstr("<p>Hello"));
  ASSERT_EQ(content.inlines.size(), 1u);
  EXPECT_EQ(content.inlines[0].cid, "logo@x");
  EXPECT_EQ(content.inlines[0].id, "1.2");
  EXPECT_EQ(content.inlines[0].bytes, "\x89PNG");
  ASSERT_EQ(content.attachments.size(), 1u);
  EXPECT_EQ(content.attachments[0].type, "application/pdf");
  EXPECT_EQ(content.attachments[0].bytes, "%PDF-");
  EXPECT_EQ(content.attachments[0].id, "2");
  EXPECT_EQ(safe_name(content.attachments[0].name), "a b.pdf");
}

TEST(SinkContent, WhatIsMalformedIsReadAsFarAsItCanBe) {
  constexpr char kOdd[] = "Subject: \xFF\xFE\r\nTo: <<<>>>,,;\r\n\r\n\x00\xFF";
  for (const std::string& raw :
       {std::string(), std::string("\r\n"), std::string("no header at all"),
        std::string("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"), std::string(kOdd, sizeof kOdd - 1)})
    (void)read_content(raw);
  std::string deep = "MIME-Version: 1.0\r\n", tail;
  for (int i = 0; i < 2000; ++i)
    deep +=
        "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\r\n\r\n--b" + std::to_string(i) + "\r\n";
  const Content content = read_content(deep + "\r\nend\r\n");
  EXPECT_LE(content.attachments.size() + content.inlines.size(), 1000u);
  std::string many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 3000; ++i) many += "--b\r\nContent-Type: image/png\r\n\r\nx\r\n";
  EXPECT_EQ(read_content(many + "--b--\r\n").attachments.size(), 1000u);
}

TEST(SinkContent, NamesAreNeverPaths) {
  EXPECT_EQ(safe_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(safe_name("C:\\windows\\evil.exe"), "evil.exe");
  EXPECT_EQ(safe_name("..."), "attachment");
  EXPECT_EQ(safe_name("a\r\nSet-Cookie: x"), "a__Set-Cookie_ x");
  EXPECT_EQ(safe_name("\"quoted\""), "_quoted_");
  EXPECT_EQ(safe_name(std::string(1000, 'x')).size(), 120u);
}

TEST(SinkFound, Links) {
  Content content;
  content.html =
      "<a href=\"https://x.example/a?b=1&amp;c=2\">go</a><A HREF='http://y.example/'>y</A>"
      "<a href=https://z.example/>z</a><a href=\"javascript:alert(1)\">no</a><a title='href=\"https://no/\"'>";
  content.text = "See https://x.example/a?b=1&c=2, or (https://t.example/p(1)). Not ftp://f.example nor http://";
  EXPECT_THAT(links_of(content), ElementsAre("https://x.example/a?b=1&c=2", "http://y.example/", "https://z.example/",
                                             "https://t.example/p(1)"));
  std::string many;
  for (int i = 0; i < 300; ++i) many += "https://x.example/" + std::to_string(i) + " ";
  content.text = many;
  EXPECT_EQ(links_of(content).size(), 100u);
}

TEST(SinkFound, Codes) {
  const auto codes = [](std::string subject, std::string text, std::string html = {}) {
    Content content;
    content.subject = std::move(subject);
    content.text = std::move(text);
    content.html = std::move(html);
    return codes_of(content);
  };
  EXPECT_THAT(codes("Code 481 516", ""), ElementsAre("481516"));
  EXPECT_THAT(codes("", "Your verification code is 123-456.\r\nIt was sent on 2026-11-24 at 10:23."),
              ElementsAre("123456"));
  EXPECT_THAT(codes("", "Type this:\r\n\r\n   90210\r\n\r\nThank you"), ElementsAre("90210"));
  EXPECT_THAT(codes("", "", "<p>Your one-time PIN: <b>4711</b></p>"), ElementsAre("4711"));
  EXPECT_THAT(codes("", "Your code: AB12CD"), ElementsAre("AB12CD"));
  EXPECT_THAT(codes("Your order 1042", "Order 1042 costs 19.90, and was placed in 2026."), IsEmpty());
  EXPECT_THAT(codes("", "code https://x.example/123456"), IsEmpty());
  EXPECT_THAT(codes("", "code 12345678901234567890"), IsEmpty());
}

TEST(SinkFound, RemotePictures) {
  EXPECT_EQ(remote_pictures("<img src='https://x.example/a.png'><img src=\"cid:x\"><IMG SRC=http://y.example/b>"), 2u);
}

} // namespace
} // namespace paquebot::sink
