#include "filter/milter_engine.h"

#include <gmock/gmock.h>

namespace paquebot::filter::milter {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

std::string packet(char command, const std::string& data = {}) {
  std::string out;
  put_packet(out, command, data);
  return out;
}

std::string negotiation(std::uint32_t actions, std::uint32_t steps, std::uint32_t version = kVersion) {
  std::string data;
  for (const std::uint32_t number : {version, actions, steps}) put_u32(data, number);
  return packet('O', data);
}

/// A packet as one reads it: the command, then data with NUL as "|".
std::string shown(std::string_view bytes) {
  std::string text;
  while (true) {
    auto taken = take_packet(bytes);
    if (!taken || !*taken) return text;
    if (!text.empty()) text += ' ';
    text += (*taken)->command;
    for (const char c : (*taken)->data) text += c == '\0' ? '|' : c;
  }
}

/// One word for an action.
std::string told(const Action& action) {
  struct Teller {
    std::string operator()(const Send& s) const { return "send " + shown(s.bytes); }
    std::string operator()(const NeedInput&) const { return "input"; }
    std::string operator()(const Progress&) const { return "progress"; }
    std::string operator()(const AddRecipient& a) const { return "+" + a.address.to_string(); }
    std::string operator()(const RemoveRecipient& a) const { return "-" + a.address.to_string(); }
    std::string operator()(const NewSender& a) const { return "from " + a.address.to_string(); }
    std::string operator()(const BodyPiece& b) const { return "body " + std::string(b.bytes); }
    std::string operator()(const Hold& h) const { return "hold " + h.reason; }
    std::string operator()(const Broken& b) const { return "broken " + b.why.message; }
    std::string operator()(const HeadChange& c) const {
      static constexpr const char* kinds[] = {"append", "insert", "replace", "remove"};
      return kinds[static_cast<int>(c.kind)] + (" " + std::to_string(c.index)) + " " + c.name + ":" + c.value;
    }
    std::string operator()(const Done& d) const {
      static constexpr const char* kinds[] = {"go on", "accept", "refuse", "discard"};
      return kinds[static_cast<int>(d.verdict.kind)] +
             (d.verdict.reply.code != 0 ? " " + d.verdict.reply.to_string() : std::string());
    }
  };
  return std::visit(Teller(), action);
}

class MilterEngine : public testing::Test {
protected:
  Engine engine{"test", 100};
  Client client{.hostname = "mx.test", .daemon = "mx", .address = "192.0.2.1", .port = 99, .helo = "client.test"};

  /// All actions until input is needed or the question is answered, joined by " / ".
  std::string play(const std::string& answer = {}) {
    if (!answer.empty()) engine.feed(answer);
    std::string all;
    for (;;) {
      const Action action = engine.next();
      const std::string one = told(action);
      all += (all.empty() ? "" : " / ") + one;
      if (std::holds_alternative<NeedInput>(action) || std::holds_alternative<Done>(action) ||
          std::holds_alternative<Broken>(action))
        return all;
    }
  }

  void begin(std::uint32_t actions = kAllActions, std::uint32_t steps = 0) {
    engine.negotiate();
    play();
    ASSERT_EQ(play(negotiation(actions, steps)), "go on");
  }

  void at_end(std::uint32_t actions = kAllActions) {
    begin(actions);
    engine.connect(client);
    play();
    play(packet('c'));
    engine.mail(client, {});
    play();
    play(packet('c'));
    engine.end_of_message();
    play();
  }
};

TEST_F(MilterEngine, AWholeMessage) {
  engine.negotiate();
  EXPECT_EQ(play(), "send O"s + "|||\6||\1\xff|\x1f\xf7\xff / input");
  EXPECT_EQ(play(negotiation(kAddHeaders, 0)), "go on");
  engine.connect(client);
  EXPECT_EQ(play(),
            "send DCj|mx.test|_|[192.0.2.1]|v|Paquebot|{daemon_name}|mx|{client_addr}|192.0.2.1|{client_name}|unknown|"
            "{client_ptr}|unknown|{client_port}|99| C[192.0.2.1]|4|c192.0.2.1| / input");
  EXPECT_EQ(play(packet('c')), "go on");
  engine.helo(client);
  EXPECT_EQ(play(), "send DH Hclient.test| / input");
  EXPECT_EQ(play(packet('c')), "go on");
  mail::Sender sender;
  sender.reverse_path = {"a", "b.test"};
  sender.body = mail::BodyType::eight_bit;
  sender.declared_size = 1000;
  engine.mail(client, sender);
  EXPECT_EQ(play(), "send DM{mail_mailer}|smtp|{mail_host}|b.test|{mail_addr}|a@b.test| "
                    "M<a@b.test>|SIZE=1000|BODY=8BITMIME| / input");
  EXPECT_EQ(play(packet('c')), "go on");
  engine.recipient({{"c", "d.test"}, 0, ""});
  EXPECT_THAT(play(), HasSubstr("R<c@d.test>|"));
  EXPECT_EQ(play(packet('y', "550 5.1.1 no %%s\0"s)), "refuse 550 5.1.1 no %s");
  engine.set_id("ID");
  engine.data();
  EXPECT_EQ(play(), "send DTi|ID| T / input");
  EXPECT_EQ(play(packet('c')), "go on");
  const auto head = mail::Head::parse("Subject:  two\r\n lines\r\n\r\n");
  engine.header(head->fields().front());
  EXPECT_EQ(play(), "send LSubject|two\n lines| / input");
  EXPECT_EQ(play(packet('c')), "go on");
  engine.end_of_header();
  EXPECT_EQ(play(), "send DNi|ID| N / input");
  EXPECT_EQ(play(packet('c')), "go on");
  engine.body("text\r\n");
  EXPECT_EQ(play(), "send Btext\r\n / input");
  EXPECT_EQ(play(packet('s')), "go on");
  EXPECT_FALSE(engine.wants_body());
  engine.body("more");
  EXPECT_EQ(play(), "go on");
  engine.end_of_message();
  EXPECT_EQ(play(), "send DEi|ID| E / input");
  EXPECT_EQ(play(packet('p') + packet('h', "X-A\0b\n\tc\0"s)), "progress / append 0 X-A:b\r\n\tc / input");
  EXPECT_EQ(play(packet('a')), "accept");
  engine.mail(client, sender);
  EXPECT_THAT(play(), HasSubstr("M<a@b.test>"));
}

TEST_F(MilterEngine, TheLastWordsInEachStep) {
  struct Row {
    const char* what;
    std::string answer;
    const char* told;
  };
  const std::vector<Row> rows{
      {"reject", packet('r'), "refuse 550 5.7.1 refused by a content filter"},
      {"tempfail", packet('t'), "refuse 451 4.7.1 a content filter wants this to be tried again later"},
      {"discard", packet('d'), "discard"},
      {"shutdown", packet('4'), "refuse 421 4.7.0 refused by a content filter"},
      {"reply of two lines", packet('y', "451-4.1.0 one\r\n451 4.1.0 two\0"s), "refuse 451 4.1.0 one two"},
      {"unknown", packet('Z'), "broken an unknown answer, octet 90"},
      {"connection failure", packet('f'), "broken an unknown answer, octet 102"},
      {"skip at the end", packet('s'), "broken a skip where there is nothing to be skipped"},
      {"reply 250", packet('y', "250 2.0.0 ok\0"s), "broken a malformed reply: 250 2.0.0 ok"},
      {"codes that differ", packet('y', "550-a\r\n551 b\0"s), "broken a malformed reply: 550-a\\x0d\\x0a551 b"},
      {"class that differs", packet('y', "550 4.1.0 b\0"s), "broken a malformed reply: 550 4.1.0 b"},
      {"no NUL", packet('y', "550 no"), "broken a malformed reply"},
      {"no length", std::string(4, '\0'), "broken a packet of the length 0"},
      {"endless", "\xff\xff\xff\xff"s, "broken a packet of the length 4294967295"},
      {"halves", packet('c').substr(0, 3), "input"},
  };
  for (const Row& row : rows) {
    engine = Engine("test", 100);
    at_end();
    EXPECT_EQ(play(row.answer), row.told) << row.what;
  }
}

TEST_F(MilterEngine, Changes) {
  struct Row {
    std::string answer;
    const char* told;
  };
  const std::vector<Row> rows{
      {packet('i', "\0\0\0\2X-B\0 v\0"s), "insert 2 X-B:v / input"},
      {packet('m', "\0\0\0\1Subject\0new\0"s), "replace 1 Subject:new / input"},
      {packet('m', "\0\0\0\3Subject\0\0"s), "remove 3 Subject: / input"},
      {packet('m', "\0\0\0\0Subject\0\0"s), "remove 1 Subject: / input"},
      {packet('+', "<x@y.test>\0"s), "+x@y.test / input"},
      {packet('2', "x@y.test\0NOTIFY=NEVER\0"s), "+x@y.test / input"},
      {packet('-', "<x@y.test>\0"s), "-x@y.test / input"},
      {packet('e', "<>\0"s), "from  / input"},
      {packet('e', "<n@y.test>\0SIZE=1\0"s), "from n@y.test / input"},
      {packet('b', "line\r\n"), "body line\r\n / input"},
      {packet('b'), "body  / input"},
      {packet('q', "smells\0"s), "hold smells / input"},
      {packet('+', "<>\0"s), "broken an empty recipient"},
      {packet('+', "<x@y.test> z\0"s), "broken a malformed address: <x@y.test> z"},
      {packet('+', "nobody\r\n@@\0"s), "broken a malformed address: nobody\\x0d\\x0a@@"},
      {packet('h', "X A\0v\0"s), "broken a malformed header field"},
      {packet('h', "X:A\0v\0"s), "broken a malformed header field"},
      {packet('h', "\0v\0"s), "broken a malformed header field"},
      {packet('h', "X-A\0v"s), "broken a malformed header field"},
      {packet('h', "X-A\0v\0rest"s), "broken a malformed header field"},
      {packet('i', "\xff\xff\xff\xffX-B\0v\0"s), "broken a header field at an impossible position"},
      {packet('i', "\0"s), "broken a malformed header field"},
      {packet('b', std::string(101, 'x')), "broken the new body is too large"},
      {packet('+', "no nul"), "broken a malformed change"},
  };
  for (const Row& row : rows) {
    engine = Engine("test", 100);
    at_end();
    EXPECT_EQ(play(row.answer), row.told);
  }
}

TEST_F(MilterEngine, WhatWasNotNegotiatedIsRefused) {
  const std::vector<std::pair<std::string, std::uint32_t>> rows{{packet('h', "X-A\0v\0"s), kAddHeaders},
                                                                {packet('m', "\0\0\0\1A\0v\0"s), kChangeHeaders},
                                                                {packet('b', "x"), kChangeBody},
                                                                {packet('+', "<a@b.test>\0"s), kAddRecipients},
                                                                {packet('-', "<a@b.test>\0"s), kRemoveRecipients},
                                                                {packet('e', "<a@b.test>\0"s), kChangeSender},
                                                                {packet('q', "x\0"s), kQuarantine},
                                                                {packet('2', "<a@b.test>\0"s), kAddRecipientsWith}};
  for (const auto& [answer, right] : rows) {
    engine = Engine("test", 100);
    at_end(kAllActions & ~right);
    EXPECT_THAT(play(answer), HasSubstr("not negotiated")) << shown(answer);
    engine = Engine("test", 100);
    begin(); // all is allowed, but not yet
    engine.connect(client);
    play();
    EXPECT_THAT(play(answer), HasSubstr("not negotiated")) << shown(answer);
  }
}

TEST_F(MilterEngine, TooManyChanges) {
  at_end();
  std::string many;
  for (int i = 0; i < 5001; ++i) many += packet('h', "X-A\0v\0"s);
  EXPECT_THAT(play(many), testing::EndsWith("broken too many changes"));
  engine = Engine("test", 100);
  at_end();
  many.clear();
  for (int i = 0; i < 40; ++i) many += packet('h', "X-A\0"s + std::string(60'000, 'v') + '\0');
  EXPECT_THAT(play(many), testing::EndsWith("broken too many changes"));
}

TEST_F(MilterEngine, NegotiationsThatFail) {
  const std::vector<std::pair<std::string, const char*>> rows{
      {packet('c'), "broken no answer to the negotiation"},
      {packet('O', "short"), "broken a malformed negotiation"},
      {negotiation(0, 0, 1), "broken it speaks version 1 of the protocol"},
      {negotiation(0, 0, 7), "broken it speaks version 7 of the protocol"},
      {negotiation(0, 0x800), "broken it wants steps that were not offered"},
      {packet('O', "\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\x09i\0"s), "broken a malformed choice of macros"},
  };
  for (const auto& [answer, told] : rows) {
    engine = Engine("test", 100);
    engine.negotiate();
    play();
    EXPECT_EQ(play(answer), told);
  }
}

/// DATA came with version 4 of the protocol: an older filter closes when it is sent a command that it does not know.
TEST_F(MilterEngine, OlderFiltersAreNotToldOfData) {
  for (const std::uint32_t version : {2u, 3u, 4u}) {
    engine = Engine("test", 100);
    engine.negotiate();
    play();
    EXPECT_EQ(play(negotiation(0, 0, version)), "go on");
    engine.data();
    EXPECT_EQ(play(), version < 4 ? "go on" : "send DT T / input") << version;
  }
}

TEST_F(MilterEngine, StepsThatAFilterDoesNotWant) {
  begin(0, kNoConnect | kNoHelo | kNoHeaders | kQuietMail | kNoBody | kLeadingSpace);
  engine.connect(client);
  EXPECT_EQ(play(), "go on");
  engine.helo(client);
  EXPECT_EQ(play(), "go on");
  engine.mail(client, {});
  EXPECT_THAT(play(), testing::EndsWith("M<>| / go on"));
  EXPECT_FALSE(engine.wants_header());
  EXPECT_FALSE(engine.wants_body());
}

TEST_F(MilterEngine, MacrosThatAFilterChooses) {
  engine.negotiate();
  play();
  engine.feed(packet('O', "\0\0\0\6\0\0\1\0\0\0\0\0"s + "\0\0\0\0j {none}\0"s + "\0\0\0\2\0"s));
  EXPECT_EQ(play(), "go on");
  engine.connect(client);
  EXPECT_THAT(play(), testing::StartsWith("send DCj|mx.test| C"));
  play(packet('c'));
  engine.mail(client, {});
  EXPECT_THAT(play(), testing::StartsWith("send DM M<>"));
}

TEST_F(MilterEngine, AcceptEndsTheSessionOrTheMessage) {
  begin();
  engine.connect(client);
  play();
  EXPECT_EQ(play(packet('a')), "accept");
  engine.mail(client, {});
  EXPECT_EQ(play(), "go on");
  engine = Engine("test", 100);
  begin();
  engine.connect(client);
  play();
  play(packet('c'));
  engine.mail(client, {});
  play();
  EXPECT_EQ(play(packet('a')), "accept");
  engine.recipient({{"c", "d.test"}, 0, ""});
  EXPECT_EQ(play(), "go on");
  engine.mail(client, {});
  EXPECT_THAT(play(), HasSubstr("send A DM")); // ends the message before
}

TEST_F(MilterEngine, PeersWithoutAnAddressAndOfIpv6) {
  begin();
  Client local;
  engine.connect(local);
  EXPECT_THAT(play(), HasSubstr("Clocalhost|U / input"));
  play(packet('c'));
  Client six{.address = "2001:db8::1", .port = 0x4142, .name = "six.test"};
  engine.connect(six);
  EXPECT_THAT(play(), HasSubstr("Csix.test|6AB2001:db8::1| / input"));
}

} // namespace
} // namespace paquebot::filter::milter
