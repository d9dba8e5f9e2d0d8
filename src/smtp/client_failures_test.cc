// Refusals, broken connections, broken peers.

#include "smtp/test_client_script.h"

namespace paquebot::smtp {
namespace {

using namespace script;
using namespace std::string_literals;

TEST(SmtpClient, RefusalsWithinPipelining) {
  const auto start =
      kGreeting +
      "S: 250-there.example\nS: 250 PIPELINING\nC: MAIL FROM:<ann@here.example>\nC: RCPT TO:<bob@there.example>\n"
      "C: RCPT TO:<carl@there.example>\nC: DATA\n"s;
  const auto two = plain({message_to({"bob", "carl"})});
  check({"MAIL",
         two,
         (start + "S: 550 5.7.1 not you\nS: 503 no\nS: 503 no\nS: 503 no\nC: QUIT\nS: 221 bye\n").c_str(),
         {.results = {"550 5.7.1 not you", "550 5.7.1 not you"}, .settled = "mm"}});
  check({"all RCPT",
         two,
         (start + "S: 250 ok\nS: 550 no\nS: 451 later\nS: 554 none\nC: QUIT\nS: 221 bye\n").c_str(),
         {.results = {"550 no", "451 later"}, .settled = "rr"}});
  check({"all RCPT, and 354 (RFC 2920 section 3.1)",
         two,
         (start + "S: 250 ok\nS: 550 no\nS: 451 later\nS: 354 go on\nC: .\nS: 554 none\nC: QUIT\nS: 221 bye\n").c_str(),
         {.results = {"550 no", "451 later"}, .settled = "rr"}});
  check({"MAIL, and 354",
         two,
         (start + "S: 550 no\nS: 503 no\nS: 503 no\nS: 354 go on\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye\n").c_str(),
         {.results = {"550 no", "550 no"}, .settled = "mm"}});
  check({"DATA",
         two,
         (start + "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 452 4.3.1 full\nC: QUIT\nS: 221 bye\n").c_str(),
         {.results = {"452 4.3.1 full", "550 no"}, .settled = "dr"}});
  check({"421 to RCPT",
         two,
         (start + "S: 250 ok\nS: 250 ok\nS: 421 4.3.2 going down\n").c_str(),
         {.results = {"421 4.3.2 going down", "421 4.3.2 going down"}, .settled = "bb"}});
}

TEST(SmtpClient, BreaksOff) {
  const std::string mail = kGreeting + "S: 250 there.example\nC: MAIL FROM:<ann@here.example>\n"s;
  const std::string data = mail + "S: 250 ok\nC: RCPT TO:<bob@there.example>\nS: 250 ok\nC: DATA\n";
  const std::string content = data + "S: 354 go on\nC: Subject: hello\nC: \nC: ..body\nC: .\n";
  const std::string lost = "450 4.4.2 the connection was lost",
                    late = "450 4.4.2 the other server did not answer in time";
  check({"before the greeting", plain(), "eof\n", {.failure = lost, .breakage = Breakage::lost}});
  check({"no greeting", plain(), "timeout\n", {.failure = late, .breakage = Breakage::timeout}});
  check({"in MAIL",
         plain(),
         (mail + "timeout\n").c_str(),
         {.results = {late}, .breakage = Breakage::timeout, .settled = "b"}});
  check({"in DATA", plain(), (data + "eof\n").c_str(), {.results = {lost}, .breakage = Breakage::lost}});
  check({"after the content",
         plain(),
         (content + "eof\n").c_str(),
         {.results = {lost}, .breakage = Breakage::lost, .in_doubt = true, .settled = "b"}});
  check({"no final reply",
         plain(),
         (content + "timeout\n").c_str(),
         {.results = {late}, .breakage = Breakage::timeout, .in_doubt = true}});
  check({"half a final reply",
         plain(),
         (content + "S<< 250 o\neof\n").c_str(),
         {.results = {lost}, .breakage = Breakage::lost, .in_doubt = true, .settled = "b"}});
  check({"421 after the content",
         plain(),
         (content + "S: 421 4.3.2 going down\n").c_str(),
         {.results = {"421 4.3.2 going down"}, .settled = "b"}});
  check({"a late reply and the end at once",
         plain(),
         (content + "S: 250 ok\nC: QUIT\neof\n").c_str(),
         {.results = {"250 ok"}, .settled = "c"}});
}

TEST(SmtpClient, MalformedReplies) {
  const std::string broken = "450 4.5.0 the other server broke the protocol: ";
  const std::string junk = broken + "what it said is no reply";
  for (const std::string line :
       {"S: hello", "S: 22 x", "S: 2200 x", "S: 120 x", "S: 600 x", "S: 220-a\nS: 221 b", "S:  220 x", "S: "}) {
    check({"greeting", plain(), (line + "\n").c_str(), {.failure = junk, .breakage = Breakage::malformed}});
  }
  const std::string more =
      kGreeting + "S: 250 there.example\nC: MAIL FROM:<ann@here.example>\nS: 250 ok\nC: RCPT TO:<bob@there.example>\n"
                  "S: 250 ok\nC: DATA\nS: 250 what?\n"s;
  check({"250 to DATA",
         plain(),
         more.c_str(),
         {.results = {broken + "DATA was answered without a go-ahead"}, .breakage = Breakage::malformed}});
}

TEST(SmtpClient, LongRepliesCount) {
  const std::string mail = kGreeting + "S: 250 there.example\nC: MAIL FROM:<ann@here.example>\nS: 250 ok\n"s;
  const std::string content = mail +
                              "C: RCPT TO:<bob@there.example>\nS: 250 ok\nC: DATA\nS: 354 go on\nC: Subject: hello\n"
                              "C: \nC: ..body\nC: .\n";
  const std::string leave = "C: QUIT\nS: 221 bye\n";
  std::string lines;
  for (int i = 0; i < 5; ++i) lines += "S: 250-2.0.0 taken\n";
  const auto short_of_lines = with(plain(), [](Setting& s) { s.options.max_reply_lines = 3; });
  check({"many lines",
         short_of_lines,
         (content + lines + "S: 250 2.0.0 end\n" + leave).c_str(),
         {.results = {"250 2.0.0 taken taken taken"}}});
  const auto short_of_octets = with(plain(), [](Setting& s) { s.options.max_reply_line = 20; });
  check({"a long line",
         short_of_octets,
         (content + "S: 250 2.0.0 " + std::string(50, 'x') + "\n" + leave).c_str(),
         {.results = {"250 2.0.0 " + std::string(10, 'x')}}});
}

TEST(SmtpClient, Lmtp) {
  const auto two = with(plain({message_to({"bob", "nobody", "carl"})}), [](Setting& s) { s.options.lmtp = true; });
  const std::string start = R"(
S: 220 there.example
C: LHLO here.example
S: 250-there.example
S: 250 PIPELINING
C: MAIL FROM:<ann@here.example>
C: RCPT TO:<bob@there.example>
C: RCPT TO:<nobody@there.example>
C: RCPT TO:<carl@there.example>
C: DATA
S: 250 ok
S: 250 ok
S: 550 no
S: 250 ok
S: 354 go on
C: Subject: hello
C: 
C: ..body
C: .
)";
  check({"a reply for each",
         two,
         (start + "S: 250 got it\nS: 452 4.2.2 full\nC: QUIT\nS: 221 bye\n").c_str(),
         {.results = {"250 got it", "550 no", "452 4.2.2 full"}, .settled = "crc"}});
  check({"lost between",
         two,
         (start + "S: 250 got it\neof\n").c_str(),
         {.results = {"250 got it", "550 no", "450 4.4.2 the connection was lost"},
          .breakage = Breakage::lost,
          .in_doubt = true,
          .settled = "crb"}});
}

TEST(SmtpClient, AbandonsOnlyTheConnection) {
  const auto abandons = with(plain(), [](Setting& s) { s.abandons = true; });
  const std::string script =
      kGreeting + "S: 250 there.example\nC: MAIL FROM:<ann@here.example>\nS: 250 ok\nC: RCPT TO:<bob@there.example>\n"
                  "S: 250 ok\nC: DATA\nS: 354 go on\nC: Subject\n"s;
  check({"abandon", abandons, script.c_str(), {.results = {"450 4.3.0 the message could not be read here"}}});
}

TEST(SmtpClient, BoundsWhatIsInFlight) {
  auto message = message_to({});
  for (int i = 0; i < 1000; ++i) message.recipients.push_back({{"user" + std::to_string(i), "there.example"}, 0, ""});
  ClientOptions options;
  options.ehlo_name = "here.example";
  ClientSession session(options, false);
  std::string said;
  std::size_t most = 0, replies = 0;
  const auto perform = [&] {
    for (;;) {
      const auto action = session.next();
      if (const auto* send = std::get_if<ClientSend>(&action)) {
        said += send->bytes;
        most = std::max(most, send->bytes.size());
      } else if (std::holds_alternative<Ready>(action)) {
        session.send(message);
      } else {
        return std::holds_alternative<NeedContent>(action);
      }
    }
  };
  session.feed("220 x\r\n");
  perform();
  said.clear();
  session.feed("250-x\r\n250 PIPELINING\r\n");
  bool content = perform();
  while (!content && replies < 2000) {
    std::string answer;
    const std::string commands = std::exchange(said, {});
    for (const auto line : split(commands, '\n')) {
      if (!line.empty()) answer += line.starts_with("DATA") ? "354 go\r\n" : "250 ok\r\n";
      ++replies;
    }
    ASSERT_FALSE(answer.empty());
    session.feed(answer);
    content = perform();
  }
  EXPECT_TRUE(content);
  EXPECT_LT(most, 9000U);
  EXPECT_EQ(session.results().size(), 1000U);
}

TEST(SmtpClient, EarlyRefusalOfTheContent) {
  ClientOptions options;
  options.ehlo_name = "here.example";
  ClientSession session(options, false);
  const auto skip = [&] {
    for (;;) {
      const auto action = session.next();
      if (!std::holds_alternative<ClientSend>(action)) return action;
    }
  };
  for (const char* reply : {"220 x\r\n", "250 x\r\n"}) {
    skip();
    session.feed(reply);
  }
  ASSERT_TRUE(std::holds_alternative<Ready>(skip()));
  session.send(message_to({"bob"}));
  for (const char* reply : {"250 ok\r\n", "250 ok\r\n", "354 go\r\n"}) {
    skip();
    session.feed(reply);
  }
  ASSERT_TRUE(std::holds_alternative<NeedContent>(skip()));
  session.content("Subject: x\r\n");
  session.feed("552 5.3.4 too large\r\n");
  session.eof();
  ASSERT_TRUE(std::holds_alternative<MessageDone>(skip()));
  EXPECT_EQ(session.results()[0].to_string(), "552 5.3.4 too large");
  EXPECT_FALSE(session.in_doubt());
  EXPECT_TRUE(std::holds_alternative<Closed>(skip()));
}

} // namespace
} // namespace paquebot::smtp
