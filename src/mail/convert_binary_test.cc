#include "base/encoding.h"
#include "base/text.h"
#include "mail/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

using testing::HasSubstr;

constexpr std::size_t kSteps[] = {1, 2, 3, 7, 4096, 1'000'000};

Result<std::string> convert(std::string_view message, std::size_t step, bool to_eight_bit) {
  HeadSplitter splitter;
  std::string body(*splitter.feed(message));
  body += *splitter.finish();
  std::string out;
  MessageConverter converter({.from_binary = true, .to_eight_bit = to_eight_bit});
  if (auto r = converter.start(splitter.head(), out); !r) return std::unexpected(r.error());
  for (std::string_view rest = body; !rest.empty(); rest.remove_prefix(std::min(step, rest.size()))) {
    if (auto r = converter.feed(rest.substr(0, step), out); !r) return std::unexpected(r.error());
  }
  if (auto r = converter.finish(out); !r) return std::unexpected(r.error());
  return out;
}

ContentScan scanned(std::string_view text) {
  ContentScan scan;
  scan.feed(text);
  scan.finish();
  return scan;
}

const std::string kHead = "Mime-Version: 1.0\r\nContent-Type: application/x\r\n";
const std::string kBinary = kHead + "Content-Transfer-Encoding: binary\r\n\r\n";
const std::string kEncoded = kHead + "Content-Transfer-Encoding: base64\r\n\r\n";

TEST(ConvertBinary, EveryOctetOfAPartIsKept) {
  using namespace std::string_literals;
  const std::string bodies[] = {
      "\0"s,
      "a\nb"s,
      "a\rb\r\n"s,
      "ends in CR\r"s,
      "\r"s,
      "\n"s,
      "\n.\n.\r\n\r.\r"s,
      "\xFF\xFE\0\r\n\r\r\n\n"s,
      std::string(1000, 'x'),
      std::string(300'000, '\r'),
      std::string(300'000, '\n'),
      std::string(70'000, 'x') + "\n"s,
      "--not a delimiter\n--b\n--b--\r"s,
  };
  for (const std::string& body : bodies) {
    for (const bool to_eight_bit : {false, true}) {
      for (const std::size_t step : kSteps) {
        const auto out = convert(kBinary + body, step, to_eight_bit);
        ASSERT_TRUE(out) << out.error().message;
        ASSERT_TRUE(out->starts_with(kEncoded)) << out->substr(0, 200);
        std::string encoded = out->substr(kEncoded.size());
        EXPECT_TRUE(encoded.ends_with("\r\n"));
        std::erase_if(encoded, [](char c) { return c == '\r' || c == '\n'; });
        EXPECT_EQ(base64_decode(encoded), body);
      }
    }
  }
}

TEST(ConvertBinary, WhatFitsStaysAsItIs) {
  struct Case {
    std::string before, eight_bit;
  };
  const std::string label = "Content-Transfer-Encoding: ";
  const Case cases[] = {
      {label + "binary\r\n\r\nplain\r\n", label + "7bit\r\n\r\nplain\r\n"},
      {label + "binary\r\n\r\ncaf\xC3\xA9\r\n", label + "8bit\r\n\r\ncaf\xC3\xA9\r\n"},
      {label + "8bit\r\n\r\ncaf\xC3\xA9\r\n", label + "8bit\r\n\r\ncaf\xC3\xA9\r\n"},
      {"Subject: caf\xC3\xA9\r\n\r\nplain", "Subject: caf\xC3\xA9\r\n\r\nplain"},
      {label + "base64\r\n\r\nYQ==\r\n", label + "base64\r\n\r\nYQ==\r\n"},
  };
  for (const Case& c : cases) {
    for (const std::size_t step : kSteps) {
      const auto out = convert(c.before, step, true);
      ASSERT_TRUE(out) << out.error().message;
      EXPECT_EQ(*out, c.eight_bit);
    }
  }
  EXPECT_EQ(*convert(label + "binary\r\n\r\ncaf\xC3\xA9 x y z\r\n", 5, false),
            label + "base64\r\nContent-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n\r\n"
                    "Y2Fmw6kgeCB5IHoNCg==\r\n");
}

/// RFC 2046 section 5.1.1: a delimiter is CRLF, two hyphens, the boundary, CRLF. Anything else within a part is
/// content.
TEST(ConvertBinary, Multipart) {
  using namespace std::string_literals;
  const std::string before =
      "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npre\0amble\n\r\n"
      "--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: "
      "binary\r\n\r\n\0\n--b\n--b\r--b--\r\n--b\r\n\r\ntext\r\n"
      "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n"
      "Content-Type: image/x\r\n\r\n\r\r\n--b--\r\nepi\rlogue"s;
  const std::string after =
      "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre?amble?\r\n"
      "--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nAAotLWIKLS1iDS0tYi0t\r\n--b\r\n\r\ntext\r\n"
      "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
      "Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: "
      "1.0\r\n\r\nDQ==\r\n--b--\r\nepi?logue";
  for (const std::size_t step : kSteps) {
    const auto out = convert(before, step, true);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(*out, after);
    EXPECT_FALSE(scanned(*out).bare_lf || scanned(*out).bare_cr || scanned(*out).has_nul);
  }
}

TEST(ConvertBinary, RefusesWhatCannotBeChanged) {
  using namespace std::string_literals;
  const std::string multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  const std::string cases[] = {
      "Subject: a\nX: y\r\n\r\nbody\r\n"s,
      "Subject: a\0b\r\n\r\nbody\r\n"s,
      "Subject: a\rb\r\n\r\nbody\r\n"s,
      "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\na\nb\r\n--b--\r\n"s,
      "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\na\0b\r\n--b--\r\n"s,
      "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nends in CR\r"s,
      "Content-Transfer-Encoding: base64\r\n\r\nYQ\n==\r\n"s,
      "Content-Transfer-Encoding: quoted-printable\r\n\r\na\0\r\n"s,
      "Content-Type: message/partial\r\n\r\n\0\r\n"s,
      "Content-Type: message/external-body\r\n\r\na\rb\r\n"s,
      multipart + "\0 and no part"s,
      multipart + "--b\nContent-Type: text/plain\r\n\r\nx"s,
      multipart + "--b\r\nX: \n\r\nbody\r\n--b--\r\n"s,
      multipart + "--b\r\nX: \0"s,
      multipart + "--b\r\nX: \r\r\n--b--\r\n"s,
  };
  for (const auto& message : cases) {
    for (const bool to_eight_bit : {false, true}) {
      for (const std::size_t step : kSteps) {
        const auto out = convert(message, step, to_eight_bit);
        ASSERT_FALSE(out) << message.substr(0, 200) << "\n=>\n" << *out;
        EXPECT_EQ(out.error().code, Errc::unsupported);
      }
    }
  }
  const std::string plain = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nfine\r\n--b--\r\n";
  EXPECT_EQ(*convert(plain, 50, true), plain);
  // What an international head needs is the peer's to have.
  EXPECT_THAT(convert("Subject: \xC3\xA9\r\n\r\n\0\r\n"s, 5, false).error().message, HasSubstr("SMTPUTF8"));
}

TEST(ConvertBinary, NothingThatBreaksLinesIsLeft) {
  // A cheap generator of nasty structures: what comes out is clean lines, however the input was cut.
  const std::string_view words[] = {"\r",
                                    "\n",
                                    "\r\n",
                                    "--b",
                                    "--b--",
                                    "--c\r\n",
                                    std::string_view("\0", 1),
                                    ".",
                                    "\xC3\xA9",
                                    "x",
                                    "Content-Type: multipart/mixed; boundary=c\r\n",
                                    "Content-Type: a/b\r\n\r\n"};
  std::uint32_t seed = 1;
  const auto random = [&] { return (seed = seed * 1664525u + 1013904223u) >> 16; };
  for (int round = 0; round < 3000; ++round) {
    std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
    for (unsigned i = random() % 20; i > 0; --i) message += words[random() % std::size(words)];
    const auto whole = convert(message, message.size(), true);
    const auto cut = convert(message, 1 + random() % 5, true);
    ASSERT_EQ(whole.has_value(), cut.has_value());
    if (!whole) continue;
    EXPECT_EQ(*whole, *cut);
    const ContentScan scan = scanned(*whole);
    EXPECT_FALSE(scan.bare_lf || scan.bare_cr || scan.has_nul) << message << "\n=>\n" << *whole;
  }
}

} // namespace
} // namespace paquebot::mail
