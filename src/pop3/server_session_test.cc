#include "pop3/fake_mailbox.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace paquebot::pop3 {
namespace {

const std::string kFirst = "Subject: one\r\nFrom: a\r\n\r\nline 1\r\n.dot\r\n..\r\n.\r\nlast\r\n"; // 52 octets
const std::string kSecond = "Subject: two\r\n\r\n";                                                // 16 octets
const std::string kThird = "A: b\r\n";                                                             // no body, 6 octets

struct Setting {
  bool encrypted = true;
  bool tls = false;
  bool clear = false;
};

std::shared_ptr<ServerOptions> options_for(const Setting& s = {}) {
  auto options = std::make_shared<ServerOptions>();
  options->hostname = "mx.test";
  options->tls_available = s.tls;
  options->login_in_clear = s.clear;
  return options;
}

FakeMailbox mailbox() {
  FakeMailbox m;
  m.messages = {kFirst, kSecond, kThird};
  return m;
}

/// What the server says to `input`, fed in the pieces that `cut` asks for.
std::string talk(const Setting& s, FakeMailbox& m, const std::vector<std::string_view>& pieces) {
  ServerSession session(options_for(s), s.encrypted);
  m.perform(session);
  for (std::string_view piece : pieces) m.feed(session, piece);
  return m.sent;
}

std::string talk(const Setting& s, std::string_view input) {
  FakeMailbox m = mailbox();
  return talk(s, m, {input});
}

const std::string kHello = "+OK mx.test POP3 server ready\r\n";
const std::string kLoginLines = "USER anna\r\nPASS secret\r\n";
const std::string kLoggedIn = "+OK send PASS\r\n+OK 3 messages (74 octets)\r\n";

struct Case {
  const char* name;
  Setting setting;
  std::string input;
  std::string output; ///< after the greeting
};

/// What a logged-in session says.
Case inside(const char* name, const std::string& input, const std::string& output) {
  return {name, {}, kLoginLines + input, kLoggedIn + output};
}

const std::string kCapaClear =
    "+OK this server can\r\nTOP\r\nUIDL\r\nSTLS\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nUTF8 "
    "USER\r\nLANG\r\nEXPIRE NEVER\r\n"
    "IMPLEMENTATION Paquebot\r\n.\r\n";
const std::string kCapaTls = "+OK this server can\r\nTOP\r\nUIDL\r\nUSER\r\nSASL SCRAM-SHA-256 SCRAM-SHA-1 PLAIN "
                             "LOGIN\r\nPIPELINING\r\nRESP-CODES\r\n"
                             "AUTH-RESP-CODE\r\nUTF8 USER\r\nLANG\r\nEXPIRE NEVER\r\nIMPLEMENTATION Paquebot\r\n.\r\n";
const std::string kWrong = "-ERR [AUTH] wrong user name or password\r\n";
const Setting kClearOffersTls{false, true, false};

std::vector<Case> cases() {
  return {
      // Before login.
      {"quit at once", {}, "QUIT\r\n", "+OK goodbye\r\n"},
      {"any case", {}, "quit\r\n", "+OK goodbye\r\n"},
      {"bare LF", {}, "CAPA\nQUIT\n", kCapaTls + "+OK goodbye\r\n"},
      {"capa in clear offers STLS, no passwords", kClearOffersTls, "CAPA\r\n", kCapaClear},
      {"capa under TLS", {true, true, false}, "CAPA\r\n", kCapaTls},
      {"login refused in clear", kClearOffersTls, "USER anna\r\n",
       "-ERR passwords are taken only under TLS: send STLS first\r\n"},
      {"auth refused in clear",
       {false, false, false},
       "AUTH PLAIN\r\n",
       "-ERR passwords are taken only under TLS: use the port with TLS\r\n"},
      {"pass refused in clear", kClearOffersTls, "PASS x\r\n",
       "-ERR passwords are taken only under TLS: send STLS first\r\n"},
      {"login in clear when configured", {false, false, true}, kLoginLines, kLoggedIn},
      {"stls, then login", kClearOffersTls, "STLS\r\n", "+OK begin TLS now\r\n<TLS>"},
      {"stls twice", {true, true, false}, "STLS\r\n", "-ERR TLS is on already\r\n"},
      {"stls not available", {false, false, false}, "STLS\r\n", "-ERR TLS is not available here\r\n"},
      {"stls with argument", kClearOffersTls, "STLS now\r\n", "-ERR STLS takes no argument\r\n"},
      {"pass before user", {}, "PASS secret\r\n", "-ERR send USER first\r\n"},
      {"pass needs user again",
       {},
       "USER anna\r\nPASS no\r\nPASS secret\r\n",
       "+OK send PASS\r\n" + kWrong + "-ERR send USER first\r\n"},
      {"wrong password", {}, "USER anna\r\nPASS secret \r\n", "+OK send PASS\r\n" + kWrong},
      {"unknown user says the same", {}, "USER nobody\r\nPASS x\r\n", "+OK send PASS\r\n" + kWrong},
      {"empty user", {}, "USER\r\nUSER \r\n", "-ERR USER needs an argument\r\n-ERR USER needs an argument\r\n"},
      {"disabled",
       {},
       "USER disabled\r\nPASS x\r\n",
       "+OK send PASS\r\n-ERR [AUTH] this account is disabled, ask your administrator\r\n"},
      {"store down",
       {},
       "USER busy\r\nPASS x\r\n",
       "+OK send PASS\r\n-ERR [SYS/TEMP] the password can't be checked now, try again later\r\n"},
      {"too many logins",
       {},
       "USER slow\r\nPASS x\r\n",
       "+OK send PASS\r\n-ERR [LOGIN-DELAY] too many logins, try again in a few minutes\r\n"},
      {"mailbox in use",
       {},
       "USER locked\r\nPASS x\r\nSTAT\r\n",
       "+OK send PASS\r\n-ERR [IN-USE] another session has this mailbox open, try again later\r\n-ERR log in "
       "first\r\n"},
      {"mailbox broken",
       {},
       "USER broken\r\nPASS x\r\n",
       "+OK send PASS\r\n-ERR [SYS/TEMP] the mailbox can't be opened now, try again later\r\n"},
      {"commands need login",
       {},
       "STAT\r\nLIST\r\nRETR 1\r\nNOOP\r\n",
       "-ERR log in first\r\n-ERR log in first\r\n-ERR log in first\r\n-ERR log in first\r\n"},
      {"unknown verb", {}, "APOP anna x\r\n\r\n", "-ERR unknown command\r\n-ERR unknown command\r\n"},
      {"control character", {}, "USER an\x01na\r\n", "-ERR control characters are not allowed\r\n"},
      {"failed logins end it",
       {},
       "USER a\r\nPASS x\r\nUSER a\r\nPASS x\r\nUSER a\r\nPASS x\r\nUSER a\r\nPASS x\r\nUSER a\r\nPASS x\r\nCAPA\r\n",
       "+OK send PASS\r\n" + kWrong + "+OK send PASS\r\n" + kWrong + "+OK send PASS\r\n" + kWrong +
           "+OK send PASS\r\n" + kWrong + "+OK send PASS\r\n" + kWrong},

      // AUTH (RFC 5034). "AGFubmEAc2VjcmV0" is NUL anna NUL secret.
      {"auth plain with initial response",
       {},
       "AUTH PLAIN AGFubmEAc2VjcmV0\r\nSTAT\r\n",
       "+OK 3 messages (74 octets)\r\n+OK 3 74\r\n"},
      {"auth plain with challenge", {}, "auth plain\r\nAGFubmEAc2VjcmV0\r\n", "+ \r\n+OK 3 messages (74 octets)\r\n"},
      {"auth login",
       {},
       "AUTH LOGIN\r\nYW5uYQ==\r\nc2VjcmV0\r\n",
       "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n+OK 3 messages (74 octets)\r\n"},
      {"auth wrong password", {}, "AUTH PLAIN AGFubmEAeA==\r\n", kWrong},
      {"auth cancelled", {}, "AUTH PLAIN\r\n*\r\nQUIT\r\n", "+ \r\n-ERR login cancelled\r\n+OK goodbye\r\n"},
      {"auth bad base 64", {}, "AUTH PLAIN\r\n=AAA\r\n", "+ \r\n-ERR malformed base 64\r\n"},
      {"auth bad initial base 64", {}, "AUTH PLAIN AAA=BBB\r\n", "-ERR malformed base 64\r\n"},
      {"auth empty initial response", {}, "AUTH PLAIN =\r\n", "-ERR malformed response\r\n"},
      {"auth unknown mechanism", {}, "AUTH CRAM-MD5\r\n", "-ERR unknown mechanism\r\n"},
      {"auth without mechanism", {}, "AUTH\r\n", "-ERR AUTH needs an argument\r\n"},
      {"auth twice",
       {},
       "AUTH PLAIN AGFubmEAc2VjcmV0\r\nAUTH PLAIN\r\n",
       "+OK 3 messages (74 octets)\r\n-ERR you are logged in already\r\n"},

      // Logged in.
      inside("capa after login", "CAPA\r\n", kCapaTls),
      inside("user after login", "USER x\r\nSTLS\r\n",
             "-ERR you are logged in already\r\n-ERR you are logged in already\r\n"),
      inside("stat", "STAT\r\n", "+OK 3 74\r\n"),
      inside("list", "LIST\r\n", "+OK 3 messages (74 octets)\r\n1 52\r\n2 16\r\n3 6\r\n.\r\n"),
      inside("list one", "LIST 2\r\n", "+OK 2 16\r\n"),
      inside("list none", "LIST 4\r\nLIST 0\r\n",
             "-ERR no such message, there are 3\r\n-ERR no such message, there are 3\r\n"),
      inside("list nonsense", "LIST x\r\nLIST -1\r\nLIST 1 2\r\nLIST 99999999999999999999\r\n",
             "-ERR LIST needs one message number\r\n-ERR LIST needs one message number\r\n-ERR LIST needs one message "
             "number\r\n-ERR LIST needs one message number\r\n"),
      inside("number beyond 32 bits", "RETR 4294967297\r\n", "-ERR no such message, there are 3\r\n"),
      inside("uidl", "UIDL\r\nUIDL 3\r\n",
             "+OK 3 messages (74 octets)\r\n1 uid1\r\n2 uid2\r\n3 uid3\r\n.\r\n+OK 3 uid3\r\n"),
      inside("trailing blanks", "STAT \r\nLIST 1  \r\nLIST \r\n",
             "+OK 3 74\r\n+OK 1 52\r\n+OK 3 messages (74 octets)\r\n1 52\r\n2 16\r\n3 6\r\n.\r\n"),
      inside("noop", "NOOP\r\nNOOP x\r\n", "+OK nothing done\r\n-ERR NOOP takes no argument\r\n"),
      inside("retr stuffs dots", "RETR 1\r\n",
             "+OK message follows\r\nSubject: one\r\nFrom: a\r\n\r\nline 1\r\n..dot\r\n...\r\n..\r\nlast\r\n.\r\n"),
      inside("retr without body", "RETR 2\r\nRETR 3\r\n",
             "+OK message follows\r\nSubject: two\r\n\r\n.\r\n+OK message follows\r\nA: b\r\n.\r\n"),
      inside("retr needs a number", "RETR\r\n", "-ERR RETR needs one message number\r\n"),
      inside("top 0", "TOP 1 0\r\n", "+OK message follows\r\nSubject: one\r\nFrom: a\r\n\r\n.\r\n"),
      inside("top 2", "TOP 1 2\r\n", "+OK message follows\r\nSubject: one\r\nFrom: a\r\n\r\nline 1\r\n..dot\r\n.\r\n"),
      inside("top of more than there is", "TOP 2 99999999999\r\nTOP 3 0\r\n",
             "+OK message follows\r\nSubject: two\r\n\r\n.\r\n+OK message follows\r\nA: b\r\n.\r\n"),
      inside("top needs two numbers", "TOP 1\r\nTOP 1 -1\r\nTOP\r\n",
             "-ERR TOP needs a message number and a number of lines\r\n-ERR TOP needs a message number and a number of "
             "lines\r\n-ERR TOP needs a message number and a number of lines\r\n"),
      inside("dele hides", "DELE 2\r\nSTAT\r\nLIST\r\nLIST 2\r\nRETR 2\r\nTOP 2 0\r\nUIDL 2\r\nDELE 2\r\n",
             "+OK message 2 will be deleted at QUIT\r\n+OK 2 58\r\n+OK 2 messages (58 octets)\r\n1 52\r\n3 6\r\n.\r\n"
             "-ERR message 2 is deleted\r\n-ERR message 2 is deleted\r\n-ERR message 2 is deleted\r\n-ERR message 2 is "
             "deleted\r\n-ERR message 2 is deleted\r\n"),
      inside("rset brings back", "DELE 1\r\nDELE 3\r\nRSET\r\nSTAT\r\nQUIT\r\n",
             "+OK message 1 will be deleted at QUIT\r\n+OK message 3 will be deleted at QUIT\r\n+OK 3 messages (74 "
             "octets)\r\n+OK 3 74\r\n+OK goodbye\r\n"),
      inside(
          "quit deletes", "DELE 3\r\nDELE 1\r\nQUIT\r\nSTAT\r\n",
          "+OK message 3 will be deleted at QUIT\r\n+OK message 1 will be deleted at QUIT\r\n+OK 2 messages deleted, "
          "goodbye\r\n"),
  };
}

TEST(ServerSession, Says) {
  for (const Case& c : cases()) EXPECT_EQ(talk(c.setting, c.input), kHello + c.output) << c.name;
}

TEST(ServerSession, SaysTheSameByteByByte) {
  for (const Case& c : cases()) {
    FakeMailbox m = mailbox();
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < c.input.size(); ++i) pieces.push_back(std::string_view(c.input).substr(i, 1));
    EXPECT_EQ(talk(c.setting, m, pieces), kHello + c.output) << c.name;
  }
}

TEST(ServerSession, SaysTheSameAtEverySplit) {
  for (const Case& c : cases()) {
    std::string_view input = c.input;
    for (std::size_t i = 1; i < input.size(); ++i) {
      FakeMailbox m = mailbox();
      ASSERT_EQ(talk(c.setting, m, {input.substr(0, i), input.substr(i)}), kHello + c.output) << c.name << " at " << i;
    }
  }
}

TEST(ServerSession, MessagesComeWholeInPiecesOfAnySize) {
  std::string expected = talk({}, "UTF8\r\n" + kLoginLines + "RETR 1\r\nTOP 1 1\r\n");
  for (std::size_t piece = 1; piece < 60; ++piece) {
    FakeMailbox m = mailbox();
    m.piece = piece;
    EXPECT_EQ(talk({}, m, {"UTF8\r\n" + kLoginLines + "RETR 1\r\nTOP 1 1\r\n"}), expected) << piece;
    EXPECT_LE(m.pieces_unsent, 2u) << "the next piece is asked for only when the one before was sent";
  }
}

TEST(ServerSession, MessageWithoutLastLineEndIsEnded) {
  for (std::string body : {"", "A: b", "A: b\r", "A: b\r\n\r\nx\n"}) {
    FakeMailbox m;
    m.messages = {body};
    std::string sent = talk({}, m, {kLoginLines + "RETR 1\r\n"});
    EXPECT_TRUE(sent.ends_with("\r\n.\r\n")) << body;
  }
}

TEST(ServerSession, BareLfDotIsStuffed) {
  FakeMailbox m;
  m.messages = {"A: b\r\n\r\nx\n.\r\ny\r\n"};
  EXPECT_TRUE(talk({}, m, {kLoginLines + "RETR 1\r\n"}).ends_with("x\n..\r\ny\r\n.\r\n"));
}

/// Where a client that takes `end_of_line` for the end of a line thinks that the reply ends; npos: nowhere.
std::size_t end_for(std::string_view reply, std::string_view end_of_line) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = reply.find(end_of_line, at);
    if (end == std::string_view::npos) return end;
    std::string_view line = reply.substr(at, end - at);
    if (end_of_line == "\n" && line.ends_with('\r')) line.remove_suffix(1);
    at = end + end_of_line.size();
    if (line == ".") return at;
  }
}

TEST(ServerSession, NoContentEndsAReplyEarly) {
  constexpr std::string_view alphabet("\r\n.\0x", 5);
  for (unsigned n = 0; n < 5 * 5 * 5 * 5 * 5 * 5; ++n) {
    std::string body;
    for (unsigned rest = n, i = 0; i < 6; ++i, rest /= 5) body += alphabet[rest % 5];
    FakeMailbox m;
    m.messages = {n % 2 == 0 ? "A: b\r\n\r\n" + body : body};
    m.piece = 1 + n % 7;
    ServerSession session(options_for(), true);
    m.perform(session);
    m.feed(session, kLoginLines);
    for (std::string_view command : {"RETR 1\r\n", "TOP 1 2\r\n"}) {
      m.sent.clear();
      m.feed(session, command);
      ASSERT_EQ(end_for(m.sent, "\r\n"), m.sent.size()) << n;
      ASSERT_EQ(end_for(m.sent, "\n"), m.sent.size()) << n;
    }
  }
}

TEST(ServerSession, PipelinedCommandsCostOneWrite) {
  FakeMailbox m = mailbox();
  ServerSession session(options_for(), true);
  m.perform(session);
  m.sent.clear();
  m.piece = 1000;
  m.feed(session, kLoginLines + "STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nDELE 1\r\n");
  EXPECT_EQ(m.biggest_send, m.sent.size());
}

TEST(ServerSession, InputBehindStlsIsDropped) {
  FakeMailbox m = mailbox();
  EXPECT_EQ(talk(kClearOffersTls, m, {"STLS\r\nUSER anna\r\nPASS secret\r\nSTAT\r\n"}),
            kHello + "+OK begin TLS now\r\n<TLS>");
  ServerSession session(options_for(kClearOffersTls), false);
  FakeMailbox n = mailbox();
  n.perform(session);
  session.feed("STLS\r\n");
  n.perform(session);
  ASSERT_TRUE(n.wants_tls);
  session.feed("CAPA\r\n");
  session.tls_started();
  n.wants_tls = false;
  n.sent.clear();
  n.perform(session);
  EXPECT_EQ(n.sent, "");
  EXPECT_TRUE(session.encrypted());
}

TEST(ServerSession, LongListsComeInPagesAndBoundedWrites) {
  FakeMailbox m;
  m.messages.assign(3000, kSecond);
  std::string sent = talk({}, m, {kLoginLines + "DELE 700\r\nLIST\r\nUIDL\r\nQUIT\r\n"});
  EXPECT_EQ(std::ranges::count(sent, '\n'), 5 + 2 * (1 + 2999 + 1));
  EXPECT_LT(m.biggest_send, 32u * 1024);
  EXPECT_NE(sent.find("\r\n3000 uid3000\r\n.\r\n"), std::string::npos);
  EXPECT_EQ(sent.find("\r\n700 "), std::string::npos);
  EXPECT_EQ(m.committed, std::vector<std::uint32_t>{700});
}

TEST(ServerSession, PagesEndingExactlyAtTheEnd) {
  for (std::size_t count : {0u, 1u, 499u, 500u, 501u, 1000u}) {
    FakeMailbox m;
    m.messages.assign(count, kSecond);
    std::string sent = talk({}, m, {kLoginLines + "LIST\r\n"});
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(sent, '\n')), 3 + 2 + count);
    EXPECT_TRUE(sent.ends_with("\r\n.\r\n"));
  }
}

TEST(ServerSession, FailedStore) {
  FakeMailbox m = mailbox();
  m.fail_listing = true;
  EXPECT_EQ(talk({}, m, {kLoginLines + "LIST\r\nLIST 1\r\nDELE 1\r\nSTAT\r\n"}),
            kHello + kLoggedIn +
                "-ERR [SYS/TEMP] the mailbox can't be read now, try again later\r\n"
                "-ERR [SYS/TEMP] the mailbox can't be read now, try again later\r\n"
                "-ERR [SYS/TEMP] the mailbox can't be read now, try again later\r\n+OK 3 74\r\n");
  FakeMailbox n = mailbox();
  n.fail_after = 0;
  EXPECT_EQ(talk({}, n, {kLoginLines + "RETR 1\r\nSTAT\r\n"}),
            kHello + kLoggedIn + "-ERR [SYS/TEMP] the message can't be read now, try again later\r\n+OK 3 74\r\n");
  FakeMailbox o = mailbox();
  o.fail_after = 3;
  EXPECT_EQ(talk({}, o, {"UTF8\r\n" + kLoginLines + "RETR 1\r\nSTAT\r\n"}),
            kHello + "+OK UTF-8 from now on\r\n" + kLoggedIn + "+OK message follows\r\nSubject: one\r\nFrom: a")
      << "broken off, never ended";
  EXPECT_TRUE(o.closed);
  FakeMailbox p = mailbox();
  p.fail_commit = true;
  EXPECT_EQ(talk({}, p, {kLoginLines + "DELE 2\r\nQUIT\r\n"}),
            kHello + kLoggedIn +
                "+OK message 2 will be deleted at QUIT\r\n-ERR [SYS/TEMP] not all of the messages could "
                "be deleted, the others are still there\r\n");
  EXPECT_TRUE(p.closed);
}

TEST(ServerSession, OnlyQuitDeletes) {
  auto ends = std::vector<void (*)(ServerSession&)>{
      [](ServerSession& s) { s.eof(); }, [](ServerSession& s) { s.timed_out(); },
      [](ServerSession& s) { s.shut_down(); }, [](ServerSession& s) { s.log_out(); }};
  for (auto end : ends) {
    FakeMailbox m = mailbox();
    ServerSession session(options_for(), true);
    m.perform(session);
    m.feed(session, kLoginLines + "DELE 1\r\nQUI");
    end(session);
    m.perform(session);
    EXPECT_TRUE(m.closed);
    EXPECT_TRUE(m.committed.empty());
  }
}

TEST(ServerSession, TimeoutSaysNothing) {
  FakeMailbox m = mailbox();
  ServerSession session(options_for(), true);
  m.perform(session);
  std::string before = m.sent;
  session.timed_out();
  m.perform(session);
  EXPECT_EQ(m.sent, before);
  EXPECT_TRUE(m.closed);
}

TEST(ServerSession, LogOutSaysWhy) {
  FakeMailbox m = mailbox();
  ServerSession session(options_for(), true);
  m.perform(session);
  m.feed(session, kLoginLines);
  session.log_out();
  m.perform(session);
  EXPECT_TRUE(m.closed);
  EXPECT_TRUE(m.sent.ends_with("-ERR [AUTH] your account was changed, log in again\r\n")) << m.sent;
}

TEST(ServerSession, ShutDownWaitsForTheMessage) {
  FakeMailbox m = mailbox();
  ServerSession session(options_for(), true);
  m.perform(session);
  m.feed(session, kLoginLines);
  session.feed("RETR 1\r\nSTAT\r\n");
  session.next();
  session.shut_down();
  m.perform(session);
  EXPECT_TRUE(
      m.sent.ends_with("last\r\n.\r\n-ERR [SYS/TEMP] the server is going down, try again in a few minutes\r\n"));
  EXPECT_TRUE(m.closed);
}

TEST(ServerSession, BoundsOfLinesAndErrors) {
  std::string longest = "USER " + std::string(512 - 7, 'x');
  EXPECT_EQ(talk({}, longest + "\r\n"), kHello + "+OK send PASS\r\n");
  EXPECT_EQ(talk({}, longest + "\n"), kHello + "+OK send PASS\r\n");
  EXPECT_EQ(talk({}, longest + "x\r\nQUIT\r\n"), kHello + "-ERR the line is too long\r\n+OK goodbye\r\n");
  EXPECT_EQ(talk({}, longest + "x\nQUIT\r\n"), kHello + "-ERR the line is too long\r\n+OK goodbye\r\n");
  EXPECT_EQ(talk({}, std::string(100'000, 'x')), kHello + "-ERR the line is too long\r\n");
  EXPECT_EQ(talk({}, "AUTH PLAIN\r\n" + std::string(12287, 'A') + "!\r\n"),
            kHello + "+ \r\n-ERR malformed base 64\r\n");
  EXPECT_EQ(talk({}, "AUTH PLAIN\r\n" + std::string(12289, 'A') + "\r\nCAPA\r\n"),
            kHello + "+ \r\n-ERR the line is too long\r\n" + kCapaTls);

  FakeMailbox m = mailbox();
  std::string many;
  for (int i = 0; i < 50; ++i) many += "XYZ\r\n";
  std::string sent = talk({}, m, {many});
  EXPECT_EQ(std::ranges::count(sent, '\n'), 1 + 20);
  EXPECT_TRUE(sent.ends_with("-ERR too many errors, goodbye\r\n"));
  EXPECT_TRUE(m.closed);
}

TEST(ServerSession, DeadlinesAreWhole) {
  FakeMailbox m = mailbox();
  ServerSession session(options_for(), true);
  m.perform(session);
  std::uint32_t window = m.need.window;
  EXPECT_EQ(m.need.within, std::chrono::seconds(120));
  m.feed(session, "CAPA\r\n");
  m.feed(session, "NOO");
  EXPECT_EQ(m.need.window, window) << "the time before login is one window";
  m.feed(session, "P\r\n" + kLoginLines);
  EXPECT_EQ(m.need.within, std::chrono::seconds(600));
  window = m.need.window;
  m.feed(session, "STA");
  EXPECT_EQ(m.need.window, window) << "half a command earns no time";
  m.feed(session, "T\r\n");
  EXPECT_NE(m.need.window, window);
}

TEST(ServerSession, TheNextCommandsTimeBeginsAfterTheMessage) {
  FakeMailbox m = mailbox();
  ServerSession session(options_for(), true);
  m.perform(session);
  m.feed(session, kLoginLines);
  session.feed("RETR 1\r\n");
  for (std::uint32_t last = m.need.window, sends = 0;; ++sends) {
    Action action = session.next();
    if (auto* ask = std::get_if<AskMessage>(&action)) session.message_bytes(ask->id, "A: b\r\n", sends >= 3);
    if (auto* need = std::get_if<NeedInput>(&action)) {
      EXPECT_GE(need->window, last + 3);
      break;
    }
  }
}

TEST(ServerSession, LateAnswersAreIgnoredAndQuestionsRepeat) {
  ServerSession session(options_for(), true);
  FakeMailbox m = mailbox();
  m.perform(session);
  session.feed(kLoginLines);
  Action first = session.next();
  ASSERT_TRUE(std::holds_alternative<AskLogin>(first));
  auto id = std::get<AskLogin>(first).id;
  EXPECT_EQ(std::get<AskLogin>(session.next()).question->secret, "secret");
  session.answer_login(id + 1, LoginVerdict::accepted);
  session.answer_open(id, OpenVerdict::opened, 1, 1);
  ASSERT_TRUE(std::holds_alternative<AskLogin>(session.next()));
  session.answer_login(id, LoginVerdict::accepted);
  session.answer_login(id, LoginVerdict::wrong);
  EXPECT_TRUE(std::holds_alternative<AskOpen>(session.next()));
  EXPECT_EQ(session.user(), "anna");
}

/// Somebody else deletes beside the session: all others keep their numbers.
TEST(ServerSession, WhatIsGoneKeepsItsNumber) {
  FakeMailbox m = mailbox();
  m.messages = {"A: 1\r\n\r\n", "A: 2\r\n\r\n", "A: 3\r\n\r\n"};
  m.gone = {1};
  ServerSession session(options_for(), true);
  m.perform(session);
  m.feed(session, kLoginLines);
  m.sent.clear();
  m.feed(session, "LIST\r\nUIDL\r\n");
  EXPECT_EQ(m.sent, "+OK 3 messages (24 octets)\r\n2 8\r\n3 8\r\n.\r\n"
                    "+OK 3 messages (24 octets)\r\n2 uid2\r\n3 uid3\r\n.\r\n");
  m.sent.clear();
  m.feed(session, "LIST 1\r\nUIDL 1\r\nDELE 1\r\nDELE 2\r\nUIDL 3\r\nQUIT\r\n");
  EXPECT_EQ(m.sent, "-ERR message 1 is deleted\r\n-ERR message 1 is deleted\r\n-ERR message 1 is deleted\r\n"
                    "+OK message 2 will be deleted at QUIT\r\n+OK 3 uid3\r\n+OK 1 messages deleted, goodbye\r\n");
  EXPECT_EQ(m.committed, std::vector<std::uint32_t>{2});
}

TEST(ServerSession, AuthorisationIdentityIsTheUser) {
  ServerSession session(options_for(), true);
  FakeMailbox m = mailbox();
  m.perform(session);
  m.feed(session, "AUTH PLAIN Ym9iAGFubmEAc2VjcmV0\r\n"); // bob NUL anna NUL secret
  EXPECT_EQ(session.user(), "bob");
}

} // namespace
} // namespace paquebot::pop3
