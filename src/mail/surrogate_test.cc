#include "base/text.h"
#include "mail/encoded_word.h"
#include "mail/surrogate.h"
#include "mail/surrogate_field.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

std::string surrogate_of(const std::string& message, std::size_t piece = std::string::npos) {
  Surrogate surrogate;
  std::string out;
  for (std::size_t at = 0; at < message.size() || at == 0;) {
    const std::string_view part = std::string_view(message).substr(at, piece);
    at += part.size();
    out += surrogate.feed(part, at >= message.size());
    if (message.empty()) break;
  }
  return out;
}

struct SurrogateCase {
  const char* name;
  std::string in;
  std::string out;
};

TEST(Surrogate, Fields) {
  const std::string invalid = "<invalid@internationalized-address.invalid>";
  const SurrogateCase cases[] = {
      {"subject", "Subject: caf\xc3\xa9 au lait\r\n", "Subject: =?utf-8?B?Y2Fmw6k=?= au lait\r\n"},
      {"subject without utf-8", "Subject: caf\xe9\r\n", "Subject: =?unknown-8bit?B?Y2Fm6Q==?=\r\n"},
      {"subject folded", "Subject: a\r\n \xc3\xa9\r\n\t b\r\n", "Subject: a =?utf-8?B?w6k=?=\t b\r\n"},
      {"name only", "From: Jos\xc3\xa9 <jose@example.com>\r\n", "From: =?utf-8?B?Sm9zw6k=?= <jose@example.com>\r\n"},
      {"quoted name", "From: \"Jos\xc3\xa9, X\" <jose@example.com>\r\n",
       "From: =?utf-8?B?Sm9zw6ksIFg=?= <jose@example.com>\r\n"},
      {"domain",
       "To: Al <al@b\xc3\xbc"
       "cher.example>\r\n",
       "To: Al <al@xn--bcher-kva.example>\r\n"},
      {"local part", "To: jos\xc3\xa9@example.com\r\n",
       "To: " + encode_words("jos\xc3\xa9@example.com") + " " + invalid + "\r\n"},
      {"local part and name", "Sender: Al <jos\xc3\xa9@example.com>\r\n",
       "Sender: " + encode_words("Al jos\xc3\xa9@example.com") + " " + invalid + "\r\n"},
      {"list", "Cc: a@x.test, \xc3\xa9 <b@x.test>, c@x.test\r\n",
       "Cc: a@x.test,\r\n =?utf-8?B?w6k=?= <b@x.test>, c@x.test\r\n"},
      {"group", "To: fri\xc3\xa9nds: a@x.test, \xc3\xa9@x.test;\r\n",
       "To: =?utf-8?B?ZnJpw6luZHM=?=: a@x.test,\r\n =?utf-8?B?w6lAeC50ZXN0?= " + invalid + ";\r\n"},
      {"comment", "From: a@x.test (\xc3\xa9)\r\n", "From: <a@x.test>\r\n"},
      {"comment and quotes", "From: \"a b\"@x.test (\xc3\xa9)\r\n", "From: <\"a b\"@x.test>\r\n"},
      {"comma in brackets", "From: <\"a,b\"@x.test>, \xc3\xa9 <c@x.test>\r\n",
       "From: <\"a,b\"@x.test>,\r\n =?utf-8?B?w6k=?= <c@x.test>\r\n"},
      {"return path", "Return-Path: <\xc3\xa9@x.test>\r\n",
       "Return-Path: =?utf-8?B?w6lAeC50ZXN0?= " + invalid + "\r\n"},
      {"file name", "Content-Disposition: attachment;\r\n filename=\"\xc3\xa9;.txt\"; size=3\r\n",
       "Content-Disposition: attachment; size=3\r\n"},
      {"only parameter", "Content-Type: text/plain; name=\xc3\xa9\r\n", "Content-Type: text/plain\r\n"},
      {"type itself", "Content-Type: t\xc3\xa9xt/plain; charset=utf-8\r\n", ""},
      {"message id", "Message-ID: <\xc3\xa9@x.test>\r\n", ""},
      {"received", "Received: from \xc3\xa9.test; date\r\n", ""},
      {"no field", "caf\xc3\xa9\r\n", "caf??\r\n"},
      {"name beyond ascii", "caf\xc3\xa9: x\r\n", "caf??: x\r\n"},
      {"bare LF", "Subject: \xc3\xa9\n", "Subject: =?utf-8?B?w6k=?=\r\n"},
  };
  for (const SurrogateCase& c : cases) {
    EXPECT_EQ(surrogate_field(c.in), c.out) << c.name;
    EXPECT_TRUE(is_ascii(surrogate_field(c.in))) << c.name;
  }
}

TEST(Surrogate, EncodedWordsAreShortAndCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xe2\x82\xac";
  std::string_view rest;
  const std::string words = encode_words(text);
  for (rest = words; !rest.empty();) {
    const std::size_t end = std::min(rest.find("\r\n "), rest.size());
    EXPECT_LE(end, 75U);
    rest.remove_prefix(std::min(rest.size(), end + 3));
  }
  EXPECT_LE(encode_words(std::string(200, '\xff')).find("\r\n"), 75U);
  EXPECT_EQ(encode_words(""), "");
  EXPECT_EQ(encode_words("\xc3\xa9\r\nX: y"), "=?utf-8?B?w6kgIFg6IHk=?=");
}

const std::string kPlain = "Subject: x\r\n\r\nbody \xc3\xa9\r\n--b\r\nX: \xc3\xa9\r\n";

TEST(Surrogate, PassesWhatNeedsNoChange) {
  const std::string messages[] = {
      "",
      "\r\n",
      "\r\nbody",
      "A: b",
      "A: b\r\n",
      "A: b\r\n\r\n",
      kPlain,
      "Content-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n--b\r\n\r\n\xc3\xa9\r\n--b\r\nA: "
      "b\r\n\r\n--c\r\n--b--\r\n\xff\r\n--b\r\n",
      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nSubject: \xc3\xa9\r\n",
      "A: b\n\nx\ny\r\rz\r"};
  for (const std::string& message : messages) {
    EXPECT_EQ(surrogate_of(message), message);
    for (std::size_t piece = 1; piece < 9; ++piece) EXPECT_EQ(surrogate_of(message, piece), message) << piece;
  }
}

TEST(Surrogate, HeadsAtEveryLevel) {
  const auto message = [](const std::string& subject, const std::string& type) {
    return "Subject: " + subject + "\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npre \xc3\xa9\r\n--b\r\n" +
           type + "\r\n\r\n\xc3\xa9 text\r\n--bx\r\n--b \r\nContent-Type: message/global\r\n\r\nSubject: " + subject +
           "\r\nContent-Type: multipart/digest;\r\n boundary=inner\r\n\r\n--inner\r\n\r\nSubject: " + subject +
           "\r\n\r\ntext \xc3\xa9\r\n--inner--\r\nSubject: \xc3\xa9\r\n--b--\r\nSubject: \xc3\xa9\r\n--b\r\nSubject: "
           "\xc3\xa9\r\n";
  };
  const std::string in = message("\xc3\xa9", "Content-Type: text/plain; name=\xc3\xa9");
  const std::string out = message("=?utf-8?B?w6k=?=", "Content-Type: text/plain");
  EXPECT_EQ(surrogate_of(in), out);
  for (std::size_t piece = 1; piece < 40; ++piece) EXPECT_EQ(surrogate_of(in, piece), out) << piece;
}

TEST(Surrogate, PartsWithoutAnEndOfTheirHead) {
  EXPECT_EQ(surrogate_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nSubject: \xc3\xa9\r\n--b--\r\n"),
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nSubject: =?utf-8?B?w6k=?=\r\n--b--\r\n");
  EXPECT_EQ(surrogate_of("A: b\r\nSubject: \xc3\xa9"), "A: b\r\nSubject: =?utf-8?B?w6k=?=\r\n");
}

TEST(Surrogate, WhatGrowsIsBounded) {
  std::string one = "From: ";
  while (one.size() < 900'000) one += "\xc3\xa9@x.test,\r\n ";
  std::string many;
  for (int i = 0; i < 20; ++i) {
    many += "To: ";
    for (int n = 0; n < 3000; ++n) many += "\xc3\xa9@x,\r\n ";
    many += "a@x\r\n";
  }
  for (const std::string& head : {one + "a@x\r\n", many}) {
    const std::string made = surrogate_of(head + "\r\n");
    EXPECT_TRUE(is_ascii(made));
    EXPECT_LE(made.size(), head.size() + (3u << 20));
    EXPECT_EQ(surrogate_of(head + "\r\n", 4096), made);
  }
  EXPECT_NE(surrogate_of(many + "\r\n").find("invalid@"), std::string::npos) << "the first ones are as they should be";
}

TEST(Surrogate, DeepAndLongInputIsLinear) {
  std::string deep = "A: b\r\n";
  for (int i = 0; i < 10000; ++i) {
    const std::string boundary = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  EXPECT_EQ(surrogate_of(deep), deep);
  std::string wide;
  for (int i = 0; i < 100'000; ++i) wide += "Subject: \xc3\xa9\r\n";
  EXPECT_TRUE(is_ascii(surrogate_of(wide + "\r\n", 4096)));
  // One field without end: never more than its bound is kept, and nothing beyond ASCII comes out.
  const std::string endless = "Subject: " + std::string(3 * kMaxHead, '\xc3');
  EXPECT_TRUE(is_ascii(surrogate_of(endless, 65536)));
  const std::string folded = [] {
    std::string text = "Subject: x\r\n";
    while (text.size() < 3 * kMaxHead) text += " " + std::string(500, '\xc3') + "\r\n";
    return text;
  }();
  EXPECT_TRUE(is_ascii(surrogate_of(folded + "\r\n", 65536)));
}

} // namespace
} // namespace paquebot::mail
