#include "base/text.h"
#include "mail/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

Result<std::string> convert(std::string_view message, std::size_t step) {
  HeadSplitter splitter;
  std::string body(*splitter.feed(message));
  body += *splitter.finish();
  std::string out;
  MessageConverter converter;
  if (auto r = converter.start(splitter.head(), out); !r) return std::unexpected(r.error());
  for (std::string_view rest = body; !rest.empty(); rest.remove_prefix(std::min(step, rest.size()))) {
    if (auto r = converter.feed(rest.substr(0, step), out); !r) return std::unexpected(r.error());
  }
  if (auto r = converter.finish(out); !r) return std::unexpected(r.error());
  return out;
}

TEST(Convert, SinglePart) {
  const std::pair<std::string, std::string> cases[] = {
      {"Subject: x\r\n\r\nplain\r\n", "Subject: x\r\n\r\nplain\r\n"},
      {"Subject: x\r\n\r\ncaf\xC3\xA9\r\n", "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                            "Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n"
                                            "caf=C3=A9\r\n"},
      {"Subject: x\r\n\r\ncaf\xE9 au lait\r\n",
       "Subject: x\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
       "Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n"
       "caf=E9 au lait\r\n"},
      {"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
       "8bit\r\n\r\n\xC3\xA9t\xC3\xA9 we are\r\n",
       "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
       "quoted-printable\r\n\r\n=C3=A9t=C3=A9 we are\r\n"},
      {"Mime-Version: 1.0\r\nContent-Transfer-Encoding: 8BIT (really)\r\n\r\nascii\r\n",
       "Mime-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\nascii\r\n"},
      {"Mime-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\xFF\xFE\r\n",
       "Mime-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n//4NCg==\r\n"},
      {"Mime-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n\xE4\xBD\xA0\xE5\xA5\xBD\r\n",
       "Mime-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n5L2g5aW9DQo=\r\n"},
      {"X: y\r\nContent-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 8bit\r\n\r\nYQ==\r\n",
       "X: y\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n"},
      {"X: y\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n",
       "X: y\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n"},
      {"\r\n\xC3\xA9 and more",
       "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
       "MIME-Version: 1.0\r\n\r\n=C3=A9 and more\r\n"},
      {"X: y\r\n\r\n", "X: y\r\n\r\n"},
  };
  for (const auto& [message, wanted] : cases) {
    for (const std::size_t step : {1U, 2U, 3U, 7U, 100000U}) {
      const auto out = convert(message, step);
      ASSERT_TRUE(out) << out.error().message;
      EXPECT_EQ(*out, wanted);
    }
  }
}

constexpr std::string_view kMixed =
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b1\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "pr\xC3\xA9"
    "ambule\r\n--b1\r\n\r\nplain part\r\n--b1-not\r\n\r\n--b1  \r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "\xC3\xA9t\xC3\xA9 of the year\r\n\r\n--b1\r\n"
    "Content-Type: multipart/alternative; boundary=b2\r\n\r\n"
    "--b2\r\nContent-Type: application/x\r\n\r\n\xFF\r\n--b2--\r\n\r\n--b1\r\n"
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "Subject: inner\r\n\r\ninner \xC3\xA9\r\n--b1\r\n"
    "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--b1--\r\n\xC3\xA9pilogue\r\n";

constexpr std::string_view kMixedOut =
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b1\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    "pr??ambule\r\n--b1\r\n\r\nplain part\r\n--b1-not\r\n\r\n--b1  \r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "=C3=A9t=C3=A9 of the year\r\n\r\n--b1\r\n"
    "Content-Type: multipart/alternative; boundary=b2\r\n\r\n"
    "--b2\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n--b2--\r\n\r\n--b1\r\n"
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    "Subject: inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    "MIME-Version: 1.0\r\n\r\ninner =C3=A9\r\n--b1\r\n"
    "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--b1--\r\n??pilogue\r\n";

TEST(Convert, Multipart) {
  for (const std::size_t step : {1U, 2U, 5U, 13U, 100000U}) {
    const auto out = convert(kMixed, step);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(*out, kMixedOut);
  }
  EXPECT_EQ(*convert(kMixedOut, 10), kMixedOut);
}

TEST(Convert, DigestPartsAreMessages) {
  const auto out = convert(
      "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: in\r\n\r\n\xC3\xA9 and text\r\n--d--\r\n",
      9);
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: in\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
                  "MIME-Version: 1.0\r\n\r\n=C3=A9 and text\r\n--d--\r\n");
}

TEST(Convert, LongLinesGoToo) {
  const auto out = convert("Content-Type: text/plain\r\n\r\n" + std::string(5000, 'x') + "\r\n", 999);
  ASSERT_TRUE(out);
  for (const std::string_view line : split(*out, '\n')) EXPECT_LE(line.size(), 77U);
}

TEST(Convert, RefusesWhatCannotBeChanged) {
  const std::string signed_head = "Content-Type: multipart/signed; boundary=s\r\n\r\n";
  const std::string cases[] = {
      "Subject: caf\xC3\xA9\r\n\r\nx\r\n",
      signed_head + "--s\r\n\r\ncaf\xC3\xA9\r\n--s--\r\n",
      "Content-Transfer-Encoding: base64\r\n\r\n\xFF\r\n",
      "Content-Transfer-Encoding: x-uuencode\r\n\r\n\xFF\r\n",
      "Content-Type: message/partial\r\n\r\n\xFF\r\n",
      "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; \xFF\r\n",
      "Content-Type: message/disposition-notification\r\n\r\nX: \xFF\r\n",
      "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n\xFF\r\n--b--\r\n",
      "Content-Type: multipart/mixed; boundary=b; boundary*=''c\r\n\r\n--b\r\n\r\n\xFF\r\n--b--\r\n",
      "Content-Type: message/rfc822\r\n\r\nSubject: \xFF\r\n\r\nx\r\n",
      "Content-Type: message/rfc822\r\n\r\nSubject: \xFF",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: \xFF\r\n--b--\r\n",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\nall \xFF of it\r\n",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; "
      "boundary=c\r\n\r\n\xFF\r\n--b--\r\n",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + std::string(300'000, 'h'),
  };
  for (const auto& message : cases) {
    const auto out = convert(message, 50);
    ASSERT_FALSE(out) << message.substr(0, 200);
    EXPECT_EQ(out.error().code, Errc::unsupported);
  }
  const std::string plain = signed_head + "--s\r\n\r\nfine\r\n--s--\r\n";
  EXPECT_EQ(*convert(plain, 50), plain);
}

TEST(Convert, BoundariesInPiecesAndWithACharset) {
  for (const std::string boundary :
       {"boundary*=us-ascii''_b%20c", "boundary*0=\"_b \"; boundary*1=c", "boundary*0*=''_b%20; boundary*1=c"}) {
    const std::string head = "Content-Type: multipart/mixed; " + boundary + "\r\n\r\n";
    const auto out = convert(head + "--_b c\r\n\r\n\xC3\xA9 and more\r\n--_b c--\r\n", 7);
    ASSERT_TRUE(out) << boundary;
    EXPECT_EQ(*out,
              head + "--_b c\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9 and more\r\n--_b c--\r\n");
  }
}

TEST(Convert, TextIsNotCalledUtf8UnlessAllOfItIs) {
  EXPECT_THAT(*convert("X: y\r\n\r\nends within a character \xC3", 50), HasSubstr("charset=unknown-8bit"));
  std::string body;
  for (int i = 0; i < 3000; ++i) body += "a line of plain text, \xC3\xA9 in it\r\n";
  for (const char* end : {"\xE9\r\n", "\r\n"}) {
    const auto out = convert("X: y\r\n\r\n" + body + end, 4096);
    ASSERT_TRUE(out);
    EXPECT_THAT(*out, Not(HasSubstr("utf-8")));
  }
}

TEST(Convert, OneTransferEncodingIsEnough) {
  const auto out = convert("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nX: y\r\n"
                           "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\xC3\xA9 and more\r\n",
                           50);
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nX: y\r\n"
                  "MIME-Version: 1.0\r\n\r\n=C3=A9 and more\r\n");
}

TEST(Convert, LongLinesOfPreambleAndEpilogueAreCut) {
  const std::string head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  const std::string text = std::string(kMaxLine, 'x') + "--b\r\n" + std::string(9000, 'y') + "\xFF\r\n\r\n";
  for (const std::size_t step : {1U, 1000U, 100000U}) {
    const auto out = convert(head + text + "--b\r\n\r\nfine\r\n--b--\r\n" + text, step);
    ASSERT_TRUE(out);
    for (const std::string_view line : split(*out, '\n')) EXPECT_LE(line.size(), kMaxLine + 1);
    EXPECT_THAT(*out, HasSubstr("x\r\n --b\r\n")); // no delimiter
    EXPECT_THAT(*out, HasSubstr("\r\n--b\r\n\r\nfine\r\n--b--\r\n"));
  }
}

TEST(Convert, ReportsAreNeverEncoded) {
  const std::string report = "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\n\xC3\xA9 and more\r\n--b\r\n"
                             "Content-Type: message/delivery-status\r\n\r\n" +
                             std::string(200'000, 'x') + "\r\n--b--\r\n";
  const auto out = convert(report, 4096);
  ASSERT_TRUE(out);
  EXPECT_THAT(*out, HasSubstr("Content-Type: message/delivery-status\r\n\r\nxxx"));
}

/// Whether all heads are ASCII.
bool ascii_heads(const std::string& message) {
  HeadSplitter splitter;
  std::string body(*splitter.feed(message)), out;
  body += *splitter.finish();
  MessageConverter converter({.to_eight_bit = true, .ascii_heads = true});
  return converter.start(splitter.head(), out) && converter.feed(body, out) && converter.finish(out);
}

TEST(Convert, HeadsOfPartsAreLookedAtWhereverTheyAre) {
  const std::string head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
  EXPECT_TRUE(ascii_heads(head + "Content-Type: text/plain\r\n\r\nh\xC3\xA9\r\n--b--\r\n"));
  EXPECT_TRUE(ascii_heads("Subject: x\r\n\r\nh\xC3\xA9: x\r\n"));
  EXPECT_FALSE(ascii_heads(head + "Content-Type: text/plain; name=\"h\xC3\xA9.txt\"\r\n\r\nx\r\n--b--\r\n"));
  EXPECT_FALSE(ascii_heads("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; "
                           "name=\"h\xC3\xA9.txt\"\r\n\r\nx\r\n--b--\r\n"));
  EXPECT_FALSE(ascii_heads(head + "Content-Type: message/rfc822\r\n\r\nSubject: h\xC3\xA9\r\n\r\nx\r\n--b--\r\n"));
  EXPECT_FALSE(ascii_heads("Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\xC3\xA9\r\n--b--\r\n"));
}

TEST(Convert, WindowBound) {
  // Plain for longer than the window, 8-bit only at the end.
  std::string body;
  for (int i = 0; i < 3000; ++i) body += "a line of plain text that is long enough\r\n";
  const auto out = convert("Subject: x\r\n\r\n" + body + "\xC3\xA9\r\n", 4096);
  ASSERT_TRUE(out);
  EXPECT_TRUE(is_ascii(*out));
  EXPECT_THAT(*out, HasSubstr("Content-Transfer-Encoding: quoted-printable\r\n"));
  EXPECT_THAT(*out, EndsWith("enough\r\n=C3=A9\r\n"));
}

TEST(Convert, DeepAndWideInLinearTime) {
  std::string deep = "Content-Type: multipart/mixed; boundary=b0\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) {
    deep += "--b" + std::to_string(i) + "\r\nContent-Type: multipart/mixed; boundary=b" + std::to_string(i + 1) +
            "\r\n\r\n";
  }
  EXPECT_EQ(*convert(deep, 4096), deep);
  EXPECT_FALSE(convert(deep + "\xFF", 4096));

  std::string messages;
  for (int i = 0; i < 10'000; ++i) messages += "Content-Type: message/rfc822\r\n\r\n";
  EXPECT_THAT(*convert(messages + "X: y\r\n\r\n\xC3\xA9 text", 4096), EndsWith("=C3=A9 text\r\n"));

  std::string wide = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) wide += "--b\r\n\r\n\xC3\xA9 x\r\n--\r\n";
  const auto out = convert(wide, 4096);
  ASSERT_TRUE(out);
  EXPECT_TRUE(is_ascii(*out));

  const auto lines = convert("X: y\r\n\r\n" + std::string(3'000'000, '\xE9'), 1);
  ASSERT_TRUE(lines);
  EXPECT_THAT(*lines, Not(HasSubstr("\xE9")));
}

} // namespace
} // namespace paquebot::mail
