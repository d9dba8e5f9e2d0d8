// The client's BDAT (RFC 3030), and what it knows of LIMITS (RFC 9422).

#include "smtp/test_client_script.h"

namespace paquebot::smtp {
namespace {

using namespace script;
using namespace std::string_literals;

Setting chunked(std::vector<OutgoingMessage> messages = {message_to({"bob"})}) {
  Setting setting = plain(std::move(messages));
  setting.options.chunk = 10;
  for (auto& message : setting.messages) message.size = 100;
  return setting;
}

Setting binary(std::string content) {
  Setting setting = plain();
  setting.messages.front().sender.body = mail::BodyType::binary;
  setting.content = std::move(content);
  return setting;
}

const std::string kEhlo = kGreeting + "S: 250-there.example\nS: 250-CHUNKING\n"s;
const std::string kPiped =
    kEhlo + "S: 250 PIPELINING\nC: MAIL FROM:<ann@here.example>\nC: RCPT TO:<bob@there.example>\n";
const std::string kChunks = kPiped + "S: 250 ok\nS: 250 ok\nC: BDAT 14\nC: Subject: helloBDAT 11\nC: \nC: \nC: .body\n";
const std::string kBye = "C: QUIT\nS: 221 bye\n";

TEST(SmtpClientBdat, LargeMessagesGoInChunks) {
  check({"one after the other without PIPELINING",
         chunked(),
         (kEhlo +
          "S: 250 HELP\nC: MAIL FROM:<ann@here.example>\nS: 250 ok\nC: RCPT TO:<bob@there.example>\nS: 250 ok\n"
          "C: BDAT 14\nS: 250 got 14\nC: Subject: helloBDAT 11\nC: \nC: \nC: .body\nS: 250 ok\nC: BDAT 0 LAST\n"
          "S: 250 done\n" +
          kBye)
             .c_str(),
         {.results = {"250 done"}}});
  check({"two in flight with it",
         chunked(),
         (kChunks + "S: 250 ok\nC: BDAT 0 LAST\nS: 250 ok\nS: 250 done\n" + kBye).c_str(),
         {.results = {"250 done"}}});
  check({"not when the message is small",
         with(chunked(), [](Setting& s) { s.options.chunk = 1000; }),
         (kPiped + "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: Subject: hello\nC: \nC: ..body\nC: .\nS: 250 done\n" +
          kBye)
             .c_str(),
         {.results = {"250 done"}}});
  check(
      {"stray line ends become CRLF, and the last line gets one",
       with(chunked(),
            [](Setting& s) {
              s.options.chunk = 1000;
              s.messages.front().size = 2000;
              s.content = "a\nb\rc\r\n.\r.\n..\r\n.\r\nd";
            }),
       (kPiped +
        "S: 250 ok\nS: 250 ok\nC: BDAT 25 LAST\nC: a\nC: b\nC: c\nC: .\nC: .\nC: ..\nC: .\nC: d\nS: 250 done\n" + kBye)
           .c_str(),
       {.results = {"250 done"}}});
}

TEST(SmtpClientBdat, RefusedChunksEndTheMessage) {
  check({"no more is sent",
         chunked(),
         (kChunks + "S: 552 5.3.4 too large\nS: 552 5.3.4 too large\n" + kBye).c_str(),
         {.results = {"552 5.3.4 too large"}}});
  check({"the first refusal counts",
         chunked(),
         (kChunks + "S: 250 ok\nC: BDAT 0 LAST\nS: 452 4.3.1 no room\nS: 503 5.5.1 what?\n" + kBye).c_str(),
         {.results = {"452 4.3.1 no room"}}});
  check({"a message of which a part is missing was not taken",
         chunked(),
         (kChunks + "S: 250 ok\nC: BDAT 0 LAST\nS: 452 4.3.1 no room\nS: 250 2.0.0 done\n" + kBye).c_str(),
         {.results = {"452 4.3.1 no room"}}});
  check({"RSET comes before the next message",
         chunked({message_to({"bob"}), message_to({"bob"})}),
         (kChunks +
          "S: 452 no\nS: 452 no\nC: RSET\nC: MAIL FROM:<ann@here.example>\nC: RCPT TO:<bob@there.example>\n"
          "S: 250 ok\nS: 550 no\nS: 550 no\n" +
          kBye)
             .c_str(),
         {.results = {"452 no", "550 no"}}});
  check({"421 in the midst",
         chunked(),
         (kChunks + "S: 421 4.3.2 going down\n").c_str(),
         {.results = {"421 4.3.2 going down"}}});
  check({"a go-ahead to BDAT",
         chunked(),
         (kChunks + "S: 354 go on\n").c_str(),
         {.results = {"450 4.5.0 the other server broke the protocol: a go-ahead to BDAT"},
          .breakage = Breakage::malformed}});
  check({"nobody was accepted",
         chunked(),
         (kPiped + "S: 250 ok\nS: 550 5.1.1 who?\n" + kBye).c_str(),
         {.results = {"550 5.1.1 who?"}}});
}

TEST(SmtpClientBdat, InDoubtOnlyBehindLast) {
  const std::string lost = "450 4.4.2 the connection was lost";
  check({"between chunks", chunked(), (kChunks + "eof\n").c_str(), {.results = {lost}, .breakage = Breakage::lost}});
  check({"after LAST",
         chunked(),
         (kChunks + "S: 250 ok\nC: BDAT 0 LAST\nS: 250 ok\neof\n").c_str(),
         {.results = {lost}, .breakage = Breakage::lost, .in_doubt = true}});
  check({"after LAST, a chunk before it was refused",
         chunked(),
         (kChunks + "S: 250 ok\nC: BDAT 0 LAST\nS: 552 no\neof\n").c_str(),
         {.results = {"552 no"}, .breakage = Breakage::lost}});
}

TEST(SmtpClientBdat, BinaryGoesAsItIs) {
  const std::string ehlo = kGreeting + "S: 250-there.example\nS: 250-BINARYMIME\n"s;
  check({"no octet is changed",
         binary("a\rb.\r\n.\r\n\r\nc"),
         (ehlo + "S: 250 CHUNKING\nC: MAIL FROM:<ann@here.example> BODY=BINARYMIME\nS: 250 ok\n"
                 "C: RCPT TO:<bob@there.example>\nS: 250 ok\nC: BDAT 12 LAST\nC: a\rb.\nC: .\nC: \nS: 250 done\nC: "
                 "cQUIT\nS: 221 bye\n")
             .c_str(),
         {.results = {"250 done"}}});
  const Outcome refused = {.results = {"554 5.6.3 the other server does not take binary mail"}};
  check({"never without CHUNKING", binary("x"), (ehlo + "S: 250 8BITMIME\n" + kBye).c_str(), refused});
  check({"never without BINARYMIME", binary("x"), (kEhlo + "S: 250 8BITMIME\n" + kBye).c_str(), refused});
}

TEST(SmtpClientBdat, LmtpHasAReplyForEachRecipient) {
  auto setting = chunked({message_to({"bob", "carl"})});
  setting.options.lmtp = true;
  const std::string start =
      "S: 220 there.example\nC: LHLO here.example\nS: 250-there.example\nS: 250-PIPELINING\nS: 250 CHUNKING\n"
      "C: MAIL FROM:<ann@here.example>\nC: RCPT TO:<bob@there.example>\nC: RCPT TO:<carl@there.example>\n"
      "S: 250 ok\nS: 250 ok\nS: 250 ok\nC: BDAT 14\nC: Subject: helloBDAT 11\nC: \nC: \nC: .body\n"
      "S: 250 ok\nC: BDAT 0 LAST\n";
  check({"each its own",
         setting,
         (start + "S: 250 ok\nS: 250 one\nS: 452 full\n" + kBye).c_str(),
         {.results = {"250 one", "452 full"}}});
  check({"a refused chunk is for all",
         setting,
         (start + "S: 452 no\nS: 250 one\nS: 503 two\n" + kBye).c_str(),
         {.results = {"452 no", "452 no"}}});
}

TEST(SmtpClientLimits, AreReadAndBounded) {
  struct Case {
    const char* line;
    std::uint32_t mail, rcpt, domain;
  };
  const Case cases[] = {
      {"LIMITS MAILMAX=5 RCPTMAX=100 RCPTDOMAINMAX=1", 5, 100, 1},
      {"limits rcptmax=999999", 0, 999999, 0},
      {"LIMITS RCPTMAX=0 MAILMAX=01 RCPTDOMAINMAX=1000000", 0, 0, 0},
      {"LIMITS RCPTMAX=-1 MAILMAX= RCPTDOMAINMAX", 0, 0, 0},
      {"LIMITS RCPTMAX=99999999999999999999999999 FUTURE=7 X MAILMAX=2", 2, 0, 0},
      {"LIMITS", 0, 0, 0},
  };
  for (const Case& c : cases) {
    ClientSession session(ClientOptions{.ehlo_name = "here.example"}, false);
    session.feed("220 hello\r\n");
    while (std::holds_alternative<ClientSend>(session.next())) {
    }
    session.feed("250-there.example\r\n250 "s + c.line + "\r\n");
    session.next();
    EXPECT_EQ(session.features().mail_max, c.mail) << c.line;
    EXPECT_EQ(session.features().rcpt_max, c.rcpt) << c.line;
    EXPECT_EQ(session.features().rcpt_domain_max, c.domain) << c.line;
  }
}

} // namespace
} // namespace paquebot::smtp
