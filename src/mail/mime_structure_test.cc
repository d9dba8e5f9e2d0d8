#include "mail/mime_structure.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

std::unique_ptr<MimePart> structure_of(const std::string& head, const std::string& body, std::size_t cut = 1 << 20) {
  MimeParser parser(head);
  for (std::size_t at = 0; at < body.size(); at += cut) parser.feed(std::string_view(body).substr(at, cut));
  return parser.finish();
}

/// "multipart/mixed[text/plain{body}2 …]": what of the whole is each body, and its lines.
std::string shown(const MimePart& part, const std::string& whole) {
  std::string out = part.type + "/" + part.subtype;
  if (!part.parts.empty()) {
    out += '[';
    for (const auto& one : part.parts) out += shown(*one, whole) + ";";
    return out + ']';
  }
  return out + "{" + whole.substr(part.body_offset, part.body_size) + "}" + std::to_string(part.lines);
}

std::string parsed(const std::string& head, const std::string& body) {
  const std::string whole = head + body;
  const std::string once = shown(*structure_of(head, body), whole);
  for (std::size_t cut = 1; cut < 40; ++cut) EXPECT_EQ(shown(*structure_of(head, body, cut), whole), once) << cut;
  return once;
}

const std::string kMixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

TEST(MimeStructure, PlainMessages) {
  EXPECT_EQ(parsed("Subject: x\r\n\r\n", "one\r\ntwo\r\n"), "text/plain{one\r\ntwo\r\n}2");
  EXPECT_EQ(parsed("\r\n", "no end"), "text/plain{no end}1");
  EXPECT_EQ(parsed("\r\n", ""), "text/plain{}0");
  EXPECT_EQ(parsed("Content-Type: TEXT/Html; charset=\"x\"\r\n\r\n", "a\r\n"), "text/html{a\r\n}1");
  EXPECT_EQ(parsed("Content-Type: nonsense\r\n\r\n", "a\r\n"), "text/plain{a\r\n}1");
}

TEST(MimeStructure, Parts) {
  EXPECT_EQ(
      parsed(kMixed, "pre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: image/png\r\n\r\ntwo\r\n\r\n--b--\r\npost\r\n"),
      "multipart/mixed[text/plain{one}1;image/png{two\r\n}1;]");
  EXPECT_EQ(parsed(kMixed, "--b\n\none\n--b  \nX: y\n\ntwo"), "multipart/mixed[text/plain{one}1;text/plain{two}1;]")
      << "LF alone, and no end";
  EXPECT_EQ(parsed(kMixed, "--b\r\n--b\r\n\r\n--b--"), "multipart/mixed[text/plain{}0;text/plain{}0;]");
  EXPECT_EQ(parsed(kMixed, "--b\r\nX: y\r\n--b--\r\n"), "multipart/mixed[text/plain{}0;]") << "it ends in its head";
  EXPECT_EQ(parsed(kMixed, "--bb\r\n\r\n--b\r\n\r\n--bc\r\n--b--"), "multipart/mixed[text/plain{--bc}1;]");
}

TEST(MimeStructure, WhatHasNoPartsIsText) {
  EXPECT_EQ(parsed(kMixed, "nothing\r\n"), "text/plain{nothing\r\n}1");
  EXPECT_EQ(parsed("Content-Type: multipart/mixed\r\n\r\n", "--b\r\n\r\n"), "text/plain{--b\r\n\r\n}2");
}

TEST(MimeStructure, Nested) {
  EXPECT_EQ(parsed(kMixed,
                   "--b\r\nContent-Type: multipart/alternative; boundary=\"c d\"\r\n\r\n--c d\r\n\r\nx\r\n--c d\r\n"
                   "Content-Type: text/html\r\n\r\ny\r\n--c d--\r\n--b\r\n\r\nz\r\n--b--\r\n"),
            "multipart/mixed[multipart/alternative[text/plain{x}1;text/html{y}1;];text/plain{z}1;]");
  EXPECT_EQ(parsed(kMixed,
                   "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b\r\n\r\nz\r\n--b--\r\n"),
            "multipart/mixed[multipart/mixed[text/plain{x}1;];text/plain{z}1;]")
      << "the outer delimiter ends the inner one";
  EXPECT_EQ(parsed("Content-Type: message/rfc822\r\n\r\n", "Subject: in\r\nContent-Type: text/html\r\n\r\nx\r\n"),
            "message/rfc822[text/html{x\r\n}1;]");
  EXPECT_EQ(parsed("Content-Type: multipart/digest; boundary=b\r\n\r\n", "--b\r\n\r\nFrom: a\r\n\r\nx\r\n--b--\r\n"),
            "multipart/digest[message/rfc822[text/plain{x}1;];]");
  EXPECT_EQ(parsed("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n", "QQ==\r\n"),
            "application/octet-stream{QQ==\r\n}1");
}

TEST(MimeStructure, Fields) {
  const auto part =
      structure_of("Content-Type: application/pdf; name=\"a \\\"b\\\".pdf\"; x=1 (comment)\r\nContent-ID: <1@x>\r\n"
                   "Content-Description: a\r\n b\r\nContent-Transfer-Encoding: BASE64\r\nContent-MD5: q==\r\n"
                   "Content-Disposition: attachment; filename*0*=utf-8''a; filename*1=b\r\nContent-Language: de, en\r\n"
                   "Content-Location: http://x\r\n\r\n",
                   "");
  ASSERT_EQ(part->parameters.size(), 2u);
  EXPECT_EQ(part->parameters[0].second, "a \"b\".pdf");
  EXPECT_EQ(part->parameters[1].second, "1");
  EXPECT_EQ(part->id, "<1@x>");
  EXPECT_EQ(part->description, "a b");
  EXPECT_EQ(part->encoding, "base64");
  EXPECT_EQ(part->disposition.token, "attachment");
  EXPECT_EQ(part->disposition.parameters.size(), 2u);
  EXPECT_EQ(part->languages, (std::vector<std::string>{"de", "en"}));
  EXPECT_EQ(part->location, "http://x");
}

std::size_t depth_of(const MimePart& part) {
  std::size_t deepest = 0;
  for (const auto& one : part.parts) deepest = std::max(deepest, depth_of(*one));
  return deepest + 1;
}
std::size_t count_of(const MimePart& part) {
  std::size_t count = 1;
  for (const auto& one : part.parts) count += count_of(*one);
  return count;
}

TEST(MimeStructure, BombsAreBounded) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += "--b\r\n\r\n";
  EXPECT_LE(count_of(*structure_of(kMixed, body)), 1001u);
  body.clear();
  for (int i = 0; i < 5000; ++i) body += "Content-Type: message/rfc822\r\n\r\n";
  EXPECT_LE(depth_of(*structure_of("Content-Type: message/rfc822\r\n\r\n", body)), 31u);
  body.clear();
  for (int i = 0; i < 5000; ++i)
    body += "--b" + std::to_string(i) + "\r\nContent-Type: multipart/mixed; boundary=b" + std::to_string(i + 1) +
            "\r\n\r\n";
  EXPECT_LE(depth_of(*structure_of("Content-Type: multipart/mixed; boundary=b0\r\n\r\n", body)), 31u);
  body = "--b\r\n" + std::string(3'000'000, 'x') + "\r\n\r\ny\r\n--b--";
  EXPECT_EQ(count_of(*structure_of(kMixed, body)), 2u);
}

} // namespace
} // namespace paquebot::mail
