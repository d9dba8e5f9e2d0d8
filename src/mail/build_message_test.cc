#include "base/text.h"
#include "mail/build_message.h"
#include "mail/content_type.h"
#include "mail/head.h"

#include <algorithm>
#include <functional>
#include <gmock/gmock.h>

namespace paquebot::mail {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Letter letter() {
  Letter out;
  out.from = parse_mailbox("Ann <ann@example.org>").value();
  out.to = {parse_mailbox("bob@example.net").value()};
  out.subject = "Hello";
  out.text = "How are you?\n";
  out.date = from_millis(1'700'000'000'000);
  out.message_id = "1@mx.example.org";
  out.token = "t0k3n";
  return out;
}

std::string built(const Letter& wanted) {
  const auto made = build_message(wanted);
  EXPECT_TRUE(made) << made.error().field << ": " << made.error().why;
  return made.value_or("");
}

/// What holds for every message.
void expect_sound(const std::string& message) {
  for (std::size_t at = 0; (at = message.find('\n', at)) != std::string::npos; ++at)
    ASSERT_TRUE(at > 0 && message[at - 1] == '\r') << at;
  EXPECT_EQ(std::count(message.begin(), message.end(), '\r'), std::count(message.begin(), message.end(), '\n'));
  for (const std::string_view line : split(message, '\n')) EXPECT_LE(line.size(), 999U) << line;
  EXPECT_TRUE(message.ends_with("\r\n"));
  EXPECT_EQ(message.find('\0'), std::string::npos);
}

TEST(BuildMessage, PlainTextIsPlain) {
  EXPECT_EQ(built(letter()), "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                             "From: Ann <ann@example.org>\r\n"
                             "To: bob@example.net\r\n"
                             "Subject: Hello\r\n"
                             "Message-ID: <1@mx.example.org>\r\n"
                             "MIME-Version: 1.0\r\n"
                             "Content-Type: text/plain; charset=utf-8\r\n"
                             "Content-Transfer-Encoding: 7bit\r\n"
                             "\r\n"
                             "How are you?\r\n");
}

TEST(BuildMessage, AllFormsNestAsTheyShould) {
  Letter wanted = letter();
  wanted.html = "<p>Hello <img src=\"cid:logo\"></p>";
  wanted.files = {{"logo.png", "image/png", std::string("\x89PNG\0", 5), "logo"},
                  {"plan.pdf", "application/pdf", "%PDF", ""}};
  const std::string message = built(wanted);
  expect_sound(message);
  const auto mixed = message.find("multipart/mixed"), alternative = message.find("multipart/alternative");
  const auto related = message.find("multipart/related"), plain = message.find("text/plain");
  const auto html = message.find("text/html"), logo = message.find("Content-ID: <logo>"),
             plan = message.find("plan.pdf");
  EXPECT_LT(mixed, alternative);
  EXPECT_LT(alternative, plain);
  EXPECT_LT(plain, related);
  EXPECT_LT(related, html);
  EXPECT_LT(html, logo);
  EXPECT_LT(logo, plan);
  EXPECT_THAT(message, HasSubstr("Content-Disposition: inline;\r\n filename=\"logo.png\"\r\n\r\niVBORwA=\r\n"));
  EXPECT_THAT(message, HasSubstr("Content-Disposition: attachment;\r\n filename=\"plan.pdf\"\r\n\r\nJVBERg==\r\n"));
  for (const char* number : {"1", "2", "3"}) {
    const std::string boundary = std::string("=_pq") + number + "_t0k3n";
    EXPECT_THAT(message, HasSubstr("boundary=\"" + boundary + "\""));
    EXPECT_THAT(message, HasSubstr("\r\n--" + boundary + "--\r\n"));
  }
}

TEST(BuildMessage, WhatTravelsBadlyIsEncoded) {
  const struct {
    std::string text;
    const char* encoding;
  } cases[] = {
      {"short\n", "7bit"},
      {"", "7bit"},
      {"From here on\n", "quoted-printable"},
      {"-- \nAnn\n", "quoted-printable"},
      {"--=_pq1_t0k3n--\n", "quoted-printable"},
      {"a blank at the end \n", "quoted-printable"},
      {std::string(2000, 'x'), "quoted-printable"},
      {"na\xC3\xAFve and more of it\n", "quoted-printable"},
      {"\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82\n", "base64"},
  };
  for (const auto& c : cases) {
    Letter wanted = letter();
    wanted.text = c.text;
    const std::string message = built(wanted);
    expect_sound(message);
    EXPECT_THAT(message, HasSubstr(std::string("Content-Transfer-Encoding: ") + c.encoding + "\r\n")) << c.text;
    const auto body = message.find("\r\n\r\n");
    EXPECT_THAT(message.substr(body), Not(HasSubstr("\r\nFrom "))) << c.text;
    EXPECT_THAT(message.substr(body), Not(HasSubstr("\r\n--"))) << c.text;
  }
}

TEST(BuildMessage, NamesBeyondAsciiAreEncoded) {
  Letter wanted = letter();
  wanted.from = parse_mailbox("B\xC3\xBC"
                              "cher <ann@example.org>")
                    .value();
  wanted.to = {parse_mailbox("\"Example, \\\"Bob\\\"\" <bob@example.net>").value(),
               parse_mailbox("=?utf-8?Q?x?= <carl@example.net>").value()};
  wanted.subject = "\xC3\xA9t\xC3\xA9 " + std::string(200, 'x');
  wanted.files = {{"\xE2\x82\xAC" + std::string(80, 'n') + ".txt", "text/plain", "x", ""}};
  const std::string message = built(wanted);
  expect_sound(message);
  EXPECT_TRUE(is_ascii(message));
  EXPECT_THAT(message, HasSubstr("To: \"Example, \\\"Bob\\\"\" <bob@example.net>,"));
  EXPECT_THAT(message, Not(HasSubstr("=?utf-8?Q?x?= <"))) << "a name that looks encoded is no trick";
  EXPECT_THAT(message, HasSubstr("filename*0*=utf-8''%E2%82%AC"));
  EXPECT_THAT(message, HasSubstr(";\r\n filename*1*="));
  const auto head = message.substr(0, message.find("MIME-Version"));
  for (const std::string_view line : split(head, '\n')) EXPECT_LE(line.size(), 79U) << line;
}

TEST(BuildMessage, LongListsAndTextsAreFolded) {
  Letter wanted = letter();
  for (int i = 0; i < 200; ++i) wanted.to.push_back(parse_mailbox("bob" + std::to_string(i) + "@example.net").value());
  for (int i = 0; i < 50; ++i) wanted.subject += " word" + std::to_string(i);
  const std::string message = built(wanted);
  expect_sound(message);
  for (const std::string_view line : split(message, '\n')) EXPECT_LE(line.size(), 79U) << line;
  auto head = Head::parse(message.substr(0, message.find("\r\n\r\n") + 4)).value();
  EXPECT_EQ(addresses_of(head.find("To")->value()).value().size(), 201U);
  EXPECT_EQ(head.value("Subject"), wanted.subject);
}

TEST(BuildMessage, NothingBreaksOutOfItsField) {
  const std::string evil = "x\r\nBcc: eve@example.com";
  const std::pair<const char*, std::function<void(Letter&)>> cases[] = {
      {"subject", [&](Letter& l) { l.subject = evil; }},
      {"subject", [&](Letter& l) { l.subject = "x\nBcc: eve@example.com"; }},
      {"subject", [&](Letter& l) { l.subject = std::string("x\0y", 3); }},
      {"from", [&](Letter& l) { l.from.name = evil; }},
      {"to", [&](Letter& l) { l.to[0].name = evil; }},
      {"reply_to", [&](Letter& l) { l.reply_to = {{evil, {"a", "example.org"}}}; }},
      {"headers.X-Mine", [&](Letter& l) { l.fields = {{"X-Mine", evil}}; }},
      {"headers.X-Mine\\x0d\\x0aBcc", [&](Letter& l) { l.fields = {{"X-Mine\r\nBcc", "x"}}; }},
      {"headers.X Mine", [&](Letter& l) { l.fields = {{"X Mine", "x"}}; }},
      {"headers.Bcc", [&](Letter& l) { l.fields = {{"Bcc", "eve@example.com"}}; }},
      {"headers.dkim-signature", [&](Letter& l) { l.fields = {{"dkim-signature", "v=1"}}; }},
      {"headers.Content-Type", [&](Letter& l) { l.fields = {{"Content-Type", "text/html"}}; }},
      {"headers.Resent-From", [&](Letter& l) { l.fields = {{"Resent-From", "eve@example.com"}}; }},
      {"attachments.0.name", [&](Letter& l) { l.files = {{evil, "", "x", ""}}; }},
      {"attachments.0.type", [&](Letter& l) { l.files = {{"", "text/plain; x=\r\n", "x", ""}}; }},
      {"attachments.0.type", [&](Letter& l) { l.files = {{"", "multipart/mixed", "x", ""}}; }},
      {"attachments.1.content_id", [&](Letter& l) { l.files = {{"", "", "x", ""}, {"", "", "x", "a> \r\n"}}; }},
      {"text", [&](Letter& l) { l.text = "\xFF"; }},
      {"html", [&](Letter& l) { l.html = std::string("\0", 1); }},
  };
  for (const auto& [field, change] : cases) {
    Letter wanted = letter();
    change(wanted);
    const auto made = build_message(wanted);
    ASSERT_FALSE(made) << field;
    EXPECT_EQ(made.error().field, field);
  }
}

TEST(BuildMessage, FreeFieldsGoAlong) {
  Letter wanted = letter();
  wanted.fields = {
      {"In-Reply-To", "<0@example.net>"}, {"X-Note", "gr\xC3\xBC\xC3\x9F dich"}, {"List-Id", "<a.example>"}};
  const std::string message = built(wanted);
  EXPECT_THAT(message, HasSubstr("\r\nIn-Reply-To: <0@example.net>\r\nX-Note: =?utf-8?B?"));
}

TEST(BuildMessage, ReadsMailboxes) {
  EXPECT_EQ(parse_mailbox(" Ann Example <ann@Example.ORG> ")->name, "Ann Example");
  EXPECT_EQ(parse_mailbox("ann@example.org")->address.to_string(), "ann@example.org");
  EXPECT_EQ(parse_mailbox("\"a\\\"b\" <ann@example.org>")->name, "a\"b");
  for (const char* bad : {"", "ann", "Ann <>", "ann@example.org>", "a@example.org, b@example.org", "<a@b.example> x",
                          "Ann\r\nBcc: x <ann@example.org>", "ann@example.org <eve@example.com> <bob@example.net"})
    EXPECT_FALSE(parse_mailbox(bad)) << bad;
}

} // namespace
} // namespace paquebot::mail
