#include "base/encoding.h"
#include "base/text.h"
#include "cli/compose.h"
#include "cli/test_support.h"
#include "mail/content_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string content(Composed& composed) {
  std::string out(composed.size, '\0');
  EXPECT_EQ(composed.file.read(out.data(), out.size()), composed.size);
  return out;
}

Letter simple() {
  Letter letter;
  letter.from = "Anna <anna@example.org>";
  letter.to = {"bob@example.net"};
  letter.subject = "Hello";
  letter.text = "Hi Bob\nbye";
  return letter;
}

std::string wire(const Letter& letter) {
  auto composed = compose(letter);
  if (!composed) return "failed: " + composed.error().message;
  std::string text = content(*composed);
  mail::ContentScan scan;
  scan.feed(text);
  scan.finish();
  EXPECT_TRUE(scan.seven_bit() && !scan.bare_cr && !scan.bare_lf) << text;
  return text;
}

TEST(Compose, PlainText) {
  std::string text = wire(simple());
  EXPECT_THAT(text, HasSubstr("From: Anna <anna@example.org>\r\n"));
  EXPECT_THAT(text, HasSubstr("To: bob@example.net\r\n"));
  EXPECT_THAT(text, HasSubstr("Subject: Hello\r\n"));
  EXPECT_THAT(text, HasSubstr("Date: "));
  EXPECT_THAT(text, HasSubstr("@example.org>\r\n"));
  EXPECT_THAT(text, HasSubstr("MIME-Version: 1.0\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Type: text/plain; charset=us-ascii\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\nHi Bob\r\nbye\r\n")) << text;
}

TEST(Compose, TextBeyondAsciiAndLongLines) {
  Letter letter = simple();
  letter.subject = "Grüße aus Köln";
  letter.from = "Jürgen Groß <j@example.org>";
  letter.text = "Grüße\r\n.dot\r\n" + std::string(2000, 'x') + "\r\n";
  std::string text = wire(letter);
  EXPECT_THAT(text, HasSubstr("Subject: =?UTF-8?"));
  EXPECT_THAT(text, HasSubstr("From: =?UTF-8?"));
  EXPECT_THAT(text, HasSubstr("<j@example.org>"));
  EXPECT_THAT(text, HasSubstr("charset=utf-8"));
  EXPECT_THAT(text, HasSubstr("Content-Transfer-Encoding: quoted-printable"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\nGr=C3=BC=C3=9Fe\r\n.dot\r\nxxx")) << text;
  EXPECT_THAT(text, Not(HasSubstr("=0D")));
}

TEST(Compose, MostlyBeyondAsciiKeepsCanonicalLineEnds) {
  Letter letter = simple();
  letter.text = "日本語の本文です\n二行目\n";
  std::string text = wire(letter);
  EXPECT_THAT(text, HasSubstr("base64"));
  EXPECT_THAT(text, HasSubstr(base64_encode("日本語の本文です\r\n二行目\r\n").substr(0, 60)));
}

TEST(Compose, AlternativesAndAttachments) {
  test::Folder folder;
  std::string binary;
  for (int i = 0; i < 300; ++i) binary += static_cast<char>(i);
  Letter letter = simple();
  letter.html = "<b>Hi</b>";
  letter.attachments = {folder.write("Bild größe.png", binary), folder.write("notes.txt", "a\nb\r\nc")};
  std::string text = wire(letter);
  EXPECT_THAT(text, HasSubstr("multipart/mixed"));
  EXPECT_LT(text.find("multipart/alternative"), text.find("text/plain"));
  EXPECT_LT(text.find("text/plain"), text.find("text/html"));
  EXPECT_THAT(text, HasSubstr("Content-Type: image/png"));
  EXPECT_THAT(text, HasSubstr("filename*=")) << "RFC 2231";
  EXPECT_THAT(text, HasSubstr("gr%C3%B6%C3%9Fe.png"));
  EXPECT_THAT(text, HasSubstr(base64_encode("a\nb\r\nc"))) << "attached text stays octet for octet";
  EXPECT_THAT(text, HasSubstr(base64_encode(binary).substr(0, 60)));
}

TEST(Compose, HtmlAlone) {
  Letter letter = simple();
  letter.text.reset();
  letter.html = "<b>Hi</b>";
  std::string text = wire(letter);
  EXPECT_THAT(text, HasSubstr("Content-Type: text/html"));
  EXPECT_THAT(text, Not(HasSubstr("multipart")));
}

TEST(Compose, Envelope) {
  Letter letter = simple();
  letter.to = {"Bob <bob@example.net>, \"C, D\" <c@example.net>", "bob@EXAMPLE.net"};
  letter.cc = {"team: e@example.net, f@example.net;"};
  letter.bcc = {"secret@example.net"};
  auto composed = compose(letter);
  ASSERT_TRUE(composed) << composed.error().message;
  std::vector<std::string> recipients;
  for (const auto& r : composed->recipients) recipients.push_back(r.address.to_string());
  EXPECT_THAT(recipients, testing::ElementsAre("bob@example.net", "c@example.net", "e@example.net", "f@example.net",
                                               "secret@example.net"));
  EXPECT_EQ(composed->sender.reverse_path.to_string(), "anna@example.org");
  EXPECT_FALSE(composed->sender.smtputf8);
  EXPECT_THAT(content(*composed), Not(HasSubstr("secret")));
}

TEST(Compose, OwnHeaders) {
  Letter letter = simple();
  letter.headers = {"X-Note: größer", "Reply-To: other@example.org"};
  std::string text = wire(letter);
  EXPECT_THAT(text, HasSubstr("X-Note: =?"));
  EXPECT_THAT(text, HasSubstr("Reply-To: other@example.org\r\n"));
}

TEST(Compose, RefusesWhatIsWrong) {
  test::Folder folder;
  auto failing = [](auto change) {
    Letter letter = simple();
    change(letter);
    return wire(letter);
  };
  EXPECT_THAT(failing([](Letter& l) { l.to = {}; }), HasSubstr("no recipient"));
  EXPECT_THAT(failing([](Letter& l) { l.to = {"nonsense"}; }), HasSubstr("failed: \"nonsense\" is not an address"));
  EXPECT_THAT(failing([](Letter& l) { l.to = {"a@b\r\nBcc: c@d"}; }), HasSubstr("line break"));
  EXPECT_THAT(failing([](Letter& l) { l.from = "a@b.example, c@d.example"; }), HasSubstr("must be one address"));
  EXPECT_THAT(failing([](Letter& l) { l.from = ""; }), HasSubstr("is not an address"));
  EXPECT_THAT(failing([](Letter& l) { l.subject = "a\nb"; }), HasSubstr("line break"));
  EXPECT_THAT(failing([](Letter& l) { l.headers = {"no colon"}; }), HasSubstr("is not a header"));
  EXPECT_THAT(failing([](Letter& l) { l.headers = {"A: b\r\nC: d"}; }), HasSubstr("is not a header"));
  EXPECT_THAT(failing([](Letter& l) { l.text = "\xff\xfe"; }), HasSubstr("not UTF-8"));
  EXPECT_THAT(failing([](Letter& l) { l.attachments = {"/nonexistent/x"}; }), HasSubstr("can't be read"));
  EXPECT_THAT(failing([&](Letter& l) { l.attachments = {folder.path()}; }), HasSubstr("is not a file"));
}

TEST(Compose, ContentTypes) {
  EXPECT_EQ(content_type_of("a/b.PNG"), "image/png");
  EXPECT_EQ(content_type_of("a.b/c"), "application/octet-stream");
  EXPECT_EQ(content_type_of("x.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type_of("x.eml"), "application/octet-stream");
}

TEST(Compose, InternationalAddressesNeedSmtputf8) {
  Letter letter = simple();
  letter.to = {"jürgen@example.net"};
  auto composed = compose(letter);
  ASSERT_TRUE(composed) << composed.error().message;
  EXPECT_TRUE(composed->sender.smtputf8);
  EXPECT_THAT(content(*composed), HasSubstr("To: jürgen@example.net\r\n"));
}

} // namespace
} // namespace paquebot::cli
