#include "base/text.h"
#include "pop3/fake_mailbox.h"

#include <gtest/gtest.h>

namespace paquebot::pop3 {
namespace {

/// What a session under TLS says after its greeting.
std::string talk(FakeMailbox& m, const std::string& input, const ServerOptions& base = {}, bool encrypted = true) {
  auto options = std::make_shared<ServerOptions>(base);
  options->hostname = "mx.test";
  options->tls_available = !encrypted;
  ServerSession session(options, encrypted);
  m.perform(session);
  m.sent.clear();
  m.feed(session, input);
  return m.sent;
}

std::string talk(const std::string& input, const ServerOptions& base = {}) {
  FakeMailbox m;
  return talk(m, input, base);
}

const std::string kLogin = "USER anna\r\nPASS secret\r\n";

TEST(ServerLanguage, Lang) {
  EXPECT_EQ(talk("LANG\r\n"),
            "+OK these languages are known\r\nen English\r\nde Deutsch\r\nfr Français\r\nes Español\r\n.\r\n");
  EXPECT_EQ(talk("LANG de\r\nNOOP\r\nLANG MUL\r\nLANG fr-CA \r\nQUIT\r\n"),
            "+OK de Sprache gewechselt\r\n-ERR zuerst anmelden\r\n"
            "-ERR diese Sprache ist nicht bekannt, LANG nennt die bekannten\r\n"
            "+OK fr langue changée\r\n+OK au revoir\r\n");
  EXPECT_EQ(talk("LANG es\r\nLANG *\r\nQUIT\r\n"),
            "+OK es idioma cambiado\r\n+OK en language changed\r\n+OK goodbye\r\n");
  ServerOptions french;
  french.language = Language::fr;
  EXPECT_EQ(talk("QUIT\r\n", french), "+OK goodbye\r\n") << "ASCII until the client asks for a language";
  EXPECT_EQ(talk("LANG *\r\n", french), "+OK fr langue changée\r\n");
}

TEST(ServerLanguage, CodesStayInEveryLanguage) {
  for (const auto& [tag, words] :
       {std::pair{"en", "wrong user"}, {"de", "Benutzername"}, {"fr", "mot de passe"}, {"es", "usuario"}}) {
    const std::string said = talk(std::string("LANG ") + tag + "\r\nUSER anna\r\nPASS x\r\n");
    EXPECT_NE(said.find("\r\n-ERR [AUTH] "), std::string::npos) << said;
    EXPECT_NE(said.find(words), std::string::npos) << said;
  }
}

TEST(ServerLanguage, NothingSaidInClearCountsUnderTls) {
  FakeMailbox m;
  EXPECT_EQ(talk(m, "LANG de\r\nSTLS\r\n", {}, false), "+OK de Sprache gewechselt\r\n+OK jetzt TLS beginnen\r\n<TLS>");
  FakeMailbox n;
  ServerSession session(std::make_shared<ServerOptions>(ServerOptions{.hostname = "mx.test", .tls_available = true}),
                        false);
  n.perform(session);
  n.feed(session, "LANG de\r\nSTLS\r\n");
  n.sent.clear();
  n.feed(session, "QUIT\r\n");
  EXPECT_EQ(n.sent, "+OK goodbye\r\n");
}

TEST(ServerLanguage, Utf8) {
  EXPECT_EQ(talk("UTF8 x\r\nUTF8\r\nUTF8\r\n" + kLogin + "UTF8\r\n"),
            "-ERR UTF8 takes no argument\r\n+OK UTF-8 from now on\r\n+OK UTF-8 from now on\r\n+OK send PASS\r\n"
            "+OK 0 messages (0 octets)\r\n-ERR you are logged in already\r\n");
  FakeMailbox m;
  EXPECT_EQ(talk(m, "UTF8\r\nSTLS\r\n", {}, false), "+OK UTF-8 from now on\r\n-ERR STLS must come before UTF8\r\n");
}

TEST(ServerLanguage, LoginTextIsUtf8) {
  const std::string bad = "-ERR this is not UTF-8 as RFC 4013 allows it\r\n";
  EXPECT_EQ(talk("USER \xc3\xa9\r\nPASS \xc3\xa9\r\n"), "+OK send PASS\r\n-ERR [AUTH] wrong user name or password\r\n");
  EXPECT_EQ(talk("USER \xff\r\nUSER a\xc2\x85\r\n"), bad + bad);
  EXPECT_EQ(talk("USER anna\r\nPASS \xc3\r\nPASS secret\r\n"), "+OK send PASS\r\n" + bad + "-ERR send USER first\r\n");
}

TEST(ServerLanguage, CapabilitiesTellThePolicy) {
  const std::string plain = talk("CAPA\r\n");
  EXPECT_NE(plain.find("\r\nEXPIRE NEVER\r\n"), std::string::npos);
  EXPECT_EQ(plain.find("LOGIN-DELAY"), std::string::npos);
  ServerOptions options;
  options.expire_days = 60;
  options.login_delay = std::chrono::seconds(300);
  const std::string strict = talk("CAPA\r\n", options);
  EXPECT_NE(strict.find("\r\nEXPIRE 60\r\nLOGIN-DELAY 300\r\n"), std::string::npos);
}

const std::string kInternational =
    "Subject: \xc3\xa9\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Type: message/global\r\n\r\nFrom: \xc3\xa9@x.test\r\n\r\nb\xc3\xb6\x64y\r\n--b--\r\n";

TEST(ServerLanguage, SurrogatesForClientsWithoutUtf8) {
  for (std::size_t piece : {1, 5, 17, 10000}) {
    FakeMailbox m;
    m.messages = {kInternational};
    m.piece = piece;
    m.international = true;
    const std::string asked = kLogin + "RETR 1\r\nTOP 1 2\r\nTOP 1 0\r\n";
    const std::string plain = talk(m, asked);
    EXPECT_NE(plain.find("follows\r\nSubject: =?utf-8?B?w6k=?=\r\nMIME"), std::string::npos) << plain;
    EXPECT_NE(plain.find("From: =?utf-8?B?w6lAeC50ZXN0?= <invalid@internationalized-address.invalid>\r\n"),
              std::string::npos);
    EXPECT_NE(plain.find("\r\n\r\nb\xc3\xb6\x64y\r\n"), std::string::npos)
        << "bodies are the business of their charset";
    EXPECT_NE(plain.find("\r\n--b\r\nContent-Type: message/global\r\n.\r\n"), std::string::npos)
        << "lines of the surrogate";
    const std::string utf8 = talk(m, "UTF8\r\n" + asked + "LIST 1\r\n");
    EXPECT_NE(utf8.find("follows\r\n" + kInternational + ".\r\n"), std::string::npos) << utf8;
    EXPECT_TRUE(utf8.ends_with("+OK 1 " + std::to_string(kInternational.size()) + "\r\n")) << "exact with UTF8";
  }
}

TEST(ServerLanguage, WhatDidNotComeAsSmtputf8IsGivenAsItIs) {
  const std::string raw =
      "Subject: Gr\xfc\xdf\x65\r\nContent-Disposition: attachment; filename=\"h\xc3\xa9.txt\"\r\n\r\nx\r\n";
  for (std::size_t piece : {1, 5, 10000}) {
    FakeMailbox m;
    m.messages = {raw};
    m.piece = piece;
    EXPECT_NE(talk(m, kLogin + "RETR 1\r\n").find("follows\r\n" + raw + ".\r\n"), std::string::npos) << piece;
  }
}

} // namespace
} // namespace paquebot::pop3
