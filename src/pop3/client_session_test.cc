#include "pop3/client_session.h"
#include "pop3/fake_mailbox.h"
#include "pop3/message_decoder.h"

#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>

namespace paquebot::pop3 {
namespace {

ClientOptions anna(bool required = true) {
  ClientOptions o;
  o.user = "anna";
  o.password = "secret";
  o.tls_required = required;
  return o;
}

/// Performs a client's actions: what it sends goes to `server`, whose answer is fed in pieces of `piece` octets.
class Driver {
public:
  Driver(ClientSession& client, std::function<std::string(std::string_view)> server)
      : client_(client), server_(std::move(server)) {}
  std::size_t piece = SIZE_MAX;
  bool tls_works = true;
  std::string message; ///< the chunks of the last message
  std::string sent;    ///< everything the client sent
  bool closed = false;
  std::size_t done = 0, refused = 0; ///< commands that ended, and those of them with -ERR
  std::uint32_t windows = 0;

  void greet(std::string_view text) { incoming_ += text; }
  /// Until ready or closed (after a command: through its ClientDone). False when closed.
  bool run() {
    message.clear();
    for (;;) {
      ClientAction action = client_.next();
      if (auto* send = std::get_if<ClientSend>(&action)) {
        sent += send->bytes;
        incoming_ += server_(send->bytes);
      } else if (auto* chunk = std::get_if<ClientChunk>(&action)) {
        message += chunk->bytes;
      } else if (std::holds_alternative<ClientStartTls>(action)) {
        if (tls_works)
          client_.tls_started();
        else
          client_.tls_failed("bad certificate");
      } else if (auto* need = std::get_if<ClientNeedInput>(&action)) {
        windows = need->window;
        if (incoming_.empty()) client_.eof();
        std::string part = incoming_.substr(0, piece);
        incoming_.erase(0, part.size());
        client_.feed(part);
      } else if (std::holds_alternative<ClientDone>(action)) {
        ++done;
        refused += !client_.ok();
      } else {
        closed = std::holds_alternative<ClientClosed>(action);
        return !closed;
      }
    }
  }

private:
  ClientSession& client_;
  std::function<std::string(std::string_view)> server_;
  std::string incoming_;
};

/// Answers from a list, one a line received; then nothing (the connection closes).
std::function<std::string(std::string_view)> script(std::vector<std::string> answers) {
  return [answers = std::move(answers), at = std::size_t{0}](std::string_view) mutable {
    return at < answers.size() ? answers[at++] : std::string();
  };
}

const std::string kCapa = "+OK\r\nUIDL\r\nSASL PLAIN\r\n.\r\n";

TEST(ClientSession, ReadsAMailboxOfOurServerInPiecesOfAnySize) {
  for (std::size_t piece : {1u, 2u, 3u, 7u, 64u, 65536u}) {
    FakeMailbox box;
    box.messages = {"A: b\r\n\r\n.dot\r\n..\r\nx\r\n", "C: d\r\n\r\n", std::string(100'000, 'y') + "\r\n"};
    box.piece = 1000;
    auto options = std::make_shared<ServerOptions>();
    options->hostname = "mx.test";
    options->tls_available = true;
    ServerSession server(options, false);
    ClientSession client(anna(), false);
    std::size_t taken = 0;
    auto answer = [&](std::string_view bytes) {
      if (box.wants_tls) {
        box.wants_tls = false;
        server.tls_started();
      }
      server.feed(bytes);
      box.perform(server);
      std::string out = box.sent.substr(taken);
      taken = box.sent.size();
      return out;
    };
    Driver driver(client, answer);
    driver.piece = piece;
    driver.greet(answer(""));
    ASSERT_TRUE(driver.run()) << client.error();
    EXPECT_TRUE(client.encrypted());
    client.list();
    ASSERT_TRUE(driver.run());
    ASSERT_EQ(client.items().size(), 3u);
    EXPECT_EQ(client.items()[0].size, box.messages[0].size());
    EXPECT_EQ(client.items()[2].uidl, "uid3");
    for (std::uint32_t n = 1; n <= 3; ++n) {
      client.retrieve(n);
      ASSERT_TRUE(driver.run());
      EXPECT_EQ(driver.message, box.messages[n - 1]);
    }
    client.retrieve(1, 1);
    ASSERT_TRUE(driver.run());
    EXPECT_EQ(driver.message, "A: b\r\n\r\n.dot\r\n");
    client.retrieve(9);
    ASSERT_TRUE(driver.run());
    EXPECT_FALSE(client.ok());
    EXPECT_EQ(client.failure(), ClientFailure::command);
    EXPECT_EQ(client.error(), "no such message, there are 3");
    client.remove(2);
    ASSERT_TRUE(driver.run());
    EXPECT_TRUE(client.ok());
    client.quit();
    EXPECT_FALSE(driver.run());
    EXPECT_TRUE(client.ok());
    EXPECT_EQ(box.committed, std::vector<std::uint32_t>{2});
  }
}

struct Opening {
  const char* name;
  ClientOptions options;
  bool encrypted;
  std::string greeting;
  std::vector<std::string> answers;
  ClientFailure failure;
  std::string sent;
};

TEST(ClientSession, SetsUp) {
  const std::string auth = "AUTH PLAIN AGFubmEAc2VjcmV0\r\n";
  ClientOptions no_tls = anna(false);
  no_tls.tls_wanted = false;
  ClientOptions injected = anna();
  injected.user = "anna\r\nDELE 1";
  ClientOptions long_password = anna();
  long_password.password = std::string(200, 'x');
  const Opening cases[] = {
      {"auth plain", anna(), true, "+OK hi\r\n", {kCapa, "+OK\r\n"}, ClientFailure::none, "CAPA\r\n" + auth},
      {"lower case, bare LF",
       anna(),
       true,
       "+ok hi\n",
       {"+ok\nsasl plain\n.\n", "+ok\n"},
       ClientFailure::none,
       "CAPA\r\n" + auth},
      {"no CAPA",
       anna(),
       true,
       "+OK\r\n",
       {"-ERR\r\n", "+OK\r\n", "+OK\r\n"},
       ClientFailure::none,
       "CAPA\r\nUSER anna\r\nPASS secret\r\n"},
      {"challenge",
       long_password,
       true,
       "+OK\r\n",
       {kCapa, "+ \r\n", "+OK\r\n"},
       ClientFailure::none,
       "CAPA\r\nAUTH PLAIN\r\nAGFubmEA" +
           [] {
             std::string x;
             for (int i = 0; i < 66; ++i) x += "eHh4";
             return x + "eHg=\r\n";
           }()},
      {"endless challenges",
       anna(),
       true,
       "+OK\r\n",
       {kCapa, "+ \r\n", "-ERR cancelled\r\n"},
       ClientFailure::login,
       "CAPA\r\n" + auth + "*\r\nQUIT\r\n"},
      {"stls",
       anna(),
       false,
       "+OK\r\n",
       {"+OK\r\nSTLS\r\n.\r\n", "+OK\r\n", kCapa, "+OK\r\n"},
       ClientFailure::none,
       "CAPA\r\nSTLS\r\nCAPA\r\n" + auth},
      {"stls without CAPA",
       anna(),
       false,
       "+OK\r\n",
       {"-ERR\r\n", "+OK\r\n", "-ERR\r\n", "+OK\r\n", "+OK\r\n"},
       ClientFailure::none,
       "CAPA\r\nSTLS\r\nCAPA\r\nUSER anna\r\nPASS secret\r\n"},
      {"injection behind STLS",
       anna(),
       false,
       "+OK\r\n",
       {"+OK\r\nSTLS\r\n.\r\n", "+OK\r\n-ERR injected\r\n", kCapa, "+OK\r\n"},
       ClientFailure::none,
       "CAPA\r\nSTLS\r\nCAPA\r\n" + auth},
      {"no TLS offered", anna(), false, "+OK\r\n", {kCapa}, ClientFailure::tls_unavailable, "CAPA\r\nQUIT\r\n"},
      {"STLS refused",
       anna(),
       false,
       "+OK\r\n",
       {"-ERR\r\n", "-ERR what\r\n"},
       ClientFailure::tls_unavailable,
       "CAPA\r\nSTLS\r\nQUIT\r\n"},
      {"in clear when allowed",
       anna(false),
       false,
       "+OK\r\n",
       {kCapa, "+OK\r\n"},
       ClientFailure::none,
       "CAPA\r\n" + auth},
      {"in clear when wanted",
       no_tls,
       false,
       "+OK\r\n",
       {"+OK\r\nSTLS\r\n.\r\n", "+OK\r\n", "+OK\r\n"},
       ClientFailure::none,
       "CAPA\r\nUSER anna\r\nPASS secret\r\n"},
      {"turned away", anna(), true, "-ERR [SYS/TEMP] busy\r\n", {}, ClientFailure::greeting, "QUIT\r\n"},
      {"not POP3", anna(), true, "220 smtp.test ESMTP\r\n", {}, ClientFailure::malformed, ""},
      {"no greeting", anna(), true, "", {}, ClientFailure::lost, ""},
      {"wrong password",
       anna(),
       true,
       "+OK\r\n",
       {kCapa, "-ERR [AUTH] no\r\n"},
       ClientFailure::login,
       "CAPA\r\n" + auth + "QUIT\r\n"},
      {"user refused",
       anna(),
       true,
       "+OK\r\n",
       {"-ERR\r\n", "-ERR no\r\n"},
       ClientFailure::login,
       "CAPA\r\nUSER anna\r\nQUIT\r\n"},
      {"line break in the name", injected, true, "+OK\r\n", {kCapa}, ClientFailure::login, "CAPA\r\nQUIT\r\n"},
      {"endless line", anna(), true, std::string(100'000, '+'), {}, ClientFailure::malformed, ""},
      {"endless CAPA",
       anna(),
       true,
       "+OK\r\n",
       {"+OK\r\n" +
        [] {
          std::string x;
          for (int i = 0; i < 2000; ++i) x += "X\r\n";
          return x;
        }()},
       ClientFailure::malformed,
       "CAPA\r\n"},
  };
  for (const Opening& c : cases) {
    for (std::size_t piece : {SIZE_MAX, std::size_t{1}}) {
      // Injected octets are dropped when they come with the reply; later ones can't be told from the handshake.
      if (piece == 1 && std::string_view(c.name).starts_with("injection")) continue;
      ClientSession client(c.options, c.encrypted);
      Driver driver(client, script(c.answers));
      driver.piece = piece;
      driver.greet(c.greeting);
      EXPECT_EQ(driver.run(), c.failure == ClientFailure::none) << c.name << ": " << client.error();
      EXPECT_EQ(client.failure(), c.failure) << c.name << ": " << client.error();
      EXPECT_EQ(driver.sent, c.sent) << c.name;
      EXPECT_EQ(client.error().empty(), c.failure == ClientFailure::none) << c.name;
    }
  }
}

TEST(ClientSession, FailedHandshakeSendsNothing) {
  ClientSession client(anna(), false);
  Driver driver(client, script({"+OK\r\nSTLS\r\n.\r\n", "+OK\r\n"}));
  driver.tls_works = false;
  driver.greet("+OK\r\n");
  EXPECT_FALSE(driver.run());
  EXPECT_EQ(client.failure(), ClientFailure::tls_failed);
  EXPECT_EQ(client.error(), "bad certificate");
  EXPECT_EQ(driver.sent, "CAPA\r\nSTLS\r\n");
}

struct Command {
  const char* name;
  std::vector<std::string> answers;
  bool stays_open;
  ClientFailure failure;
};

TEST(ClientSession, ListsFromOddServers) {
  const Command cases[] = {
      {"no UIDL", {"+OK\r\n1 10\r\n2 20\r\n.\r\n", "-ERR\r\n"}, true, ClientFailure::none},
      {"extra words",
       {"+OK\r\n1 10 octets\r\n2  20\r\n.\r\n", "+OK\r\n1 a b\r\n2 b\r\n.\r\n"},
       true,
       ClientFailure::none},
      {"refused", {"-ERR\x1b[31m no\r\n"}, false, ClientFailure::malformed},
      {"refused with escape", {"-ERR \x1b[31m no\r\n"}, true, ClientFailure::command},
      {"not a number", {"+OK\r\nx 10\r\n.\r\n"}, false, ClientFailure::malformed},
      {"no size", {"+OK\r\n1\r\n.\r\n"}, false, ClientFailure::malformed},
      {"descending", {"+OK\r\n2 10\r\n1 10\r\n.\r\n"}, false, ClientFailure::malformed},
      {"zero", {"+OK\r\n0 10\r\n.\r\n"}, false, ClientFailure::malformed},
      {"too many", {"+OK\r\n1 1\r\n2 1\r\n3 1\r\n4 1\r\n.\r\n"}, false, ClientFailure::malformed},
      {"broken off", {"+OK\r\n1 10\r\n"}, false, ClientFailure::lost},
      {"endless uidl",
       {"+OK\r\n1 1\r\n.\r\n", "+OK\r\n1 " + std::string(300, 'u') + "\r\n.\r\n"},
       false,
       ClientFailure::malformed},
      {"uidl of unknown messages",
       {"+OK\r\n1 10\r\n2 20\r\n.\r\n", "+OK\r\n7 x\r\n1 late\r\n.\r\n"},
       true,
       ClientFailure::none},
  };
  for (const Command& c : cases) {
    std::vector<std::string> answers = {kCapa, "+OK\r\n"};
    answers.insert(answers.end(), c.answers.begin(), c.answers.end());
    ClientOptions options = anna();
    options.max_items = 3;
    ClientSession client(options, true);
    Driver driver(client, script(answers));
    driver.greet("+OK\r\n");
    ASSERT_TRUE(driver.run());
    client.list();
    EXPECT_EQ(driver.run(), c.stays_open) << c.name << ": " << client.error();
    EXPECT_EQ(client.failure(), c.failure) << c.name << ": " << client.error();
    EXPECT_EQ(client.error().find('\x1b'), std::string::npos);
    if (c.stays_open && client.ok()) {
      EXPECT_EQ(client.items().size(), 2u) << c.name;
      EXPECT_EQ(client.items()[1].size, 20u) << c.name;
    }
  }
}

TEST(ClientSession, RetrievesAheadWhereTheServerTakesIt) {
  for (const bool pipelining : {true, false}) {
    for (std::size_t piece : {1, 7, 100000}) {
      std::size_t most_at_once = 0;
      ClientSession client(anna(), true);
      Driver driver(client, [&](std::string_view sent) {
        if (sent.starts_with("CAPA"))
          return std::string("+OK\r\nSASL PLAIN\r\n") + (pipelining ? "PIPELINING\r\n.\r\n" : ".\r\n");
        if (!sent.starts_with("TOP")) return std::string("+OK\r\n");
        std::string answer;
        std::size_t commands = 0;
        for (; !sent.empty(); ++commands) {
          const std::size_t end = sent.find("\r\n");
          const std::string number(sent.substr(4, end - 6));
          sent.remove_prefix(end + 2);
          answer += number == "3" ? "-ERR gone\r\n" : "+OK\r\nnumber " + number + "\r\n..\r\n.\r\n";
        }
        most_at_once = std::max(most_at_once, commands);
        return answer;
      });
      driver.piece = piece;
      driver.greet("+OK\r\n");
      ASSERT_TRUE(driver.run());
      std::vector<std::uint32_t> numbers;
      std::string expected;
      for (std::uint32_t n = 1; n <= 200; ++n) {
        numbers.push_back(n);
        if (n != 3) expected += "number " + std::to_string(n) + "\r\n.\r\n";
      }
      client.retrieve_all(numbers, 0);
      ASSERT_TRUE(driver.run());
      EXPECT_EQ(driver.message, expected);
      EXPECT_EQ(driver.done, 200U);
      EXPECT_EQ(driver.refused, 1U);
      EXPECT_EQ(most_at_once, pipelining ? 64U : 1U);
      client.retrieve_all({});
      EXPECT_TRUE(driver.run()) << "nothing asked for is nothing to do";
      client.quit();
      EXPECT_FALSE(driver.run());
      EXPECT_TRUE(client.ok());
    }
  }
}

TEST(ClientSession, SaysUtf8WhenItIsOffered) {
  for (const bool taken : {true, false}) {
    ClientSession client(anna(), true);
    Driver driver(client, script({"+OK\r\nUTF8\r\n.\r\n", taken ? "+OK\r\n" : "-ERR no\r\n", "+OK\r\n", "+OK\r\n"}));
    driver.greet("+OK\r\n");
    EXPECT_TRUE(driver.run());
    EXPECT_EQ(driver.sent, "CAPA\r\nUTF8\r\nUSER anna\r\nPASS secret\r\n");
  }
  for (const bool user : {true, false}) { // RFC 6856 section 2.2
    ClientOptions options = anna();
    options.password = "secr\xc3\xa9t";
    ClientSession client(options, true);
    Driver driver(
        client, script({user ? "+OK\r\nUTF8 USER\r\n.\r\n" : "+OK\r\nUTF8\r\n.\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n"}));
    driver.greet("+OK\r\n");
    EXPECT_EQ(driver.run(), user);
    EXPECT_EQ(driver.sent.find("secr") != std::string::npos, user);
  }
}

TEST(ClientSession, BrokenMessagesAreNeverSilentlyShort) {
  const Command cases[] = {
      {"broken off", {"+OK\r\nA: b\r\n\r\nhalf a li"}, false, ClientFailure::lost},
      {"broken off at the dot", {"+OK\r\nA: b\r\n."}, false, ClientFailure::lost},
      {"octets behind the end", {"+OK\r\nA: b\r\n.\r\n+OK\r\n"}, false, ClientFailure::malformed},
      {"refused", {"-ERR gone\r\n"}, true, ClientFailure::command},
  };
  for (const Command& c : cases) {
    std::vector<std::string> answers = {kCapa, "+OK\r\n"};
    answers.insert(answers.end(), c.answers.begin(), c.answers.end());
    ClientSession client(anna(), true);
    Driver driver(client, script(answers));
    driver.greet("+OK\r\n");
    ASSERT_TRUE(driver.run());
    client.retrieve(1);
    EXPECT_EQ(driver.run(), c.stays_open) << c.name;
    EXPECT_EQ(client.failure(), c.failure) << c.name << ": " << client.error();
  }
}

TEST(ClientSession, TimesOutAndEarnsTimeByOctets) {
  ClientSession client(anna(), true);
  Driver driver(client, script({kCapa, "+OK\r\n", "+OK\r\n" + std::string(20'000, 'x') + "\r\n.\r\n"}));
  driver.piece = 100;
  driver.greet("+OK\r\n");
  ASSERT_TRUE(driver.run());
  std::uint32_t before = driver.windows;
  client.retrieve(1);
  ASSERT_TRUE(driver.run());
  EXPECT_EQ(driver.windows - before, 1 + 4u);
  client.timed_out();
  EXPECT_TRUE(std::holds_alternative<ClientClosed>(client.next()));
  EXPECT_EQ(client.failure(), ClientFailure::timeout);
  client.list();
  EXPECT_TRUE(std::holds_alternative<ClientClosed>(client.next()));
}

TEST(MessageDecoder, DecodesAtEverySplit) {
  struct {
    std::string wire, text;
  } cases[] = {
      {".\r\n", ""},
      {"a\r\n.\r\n", "a\r\n"},
      {"..\r\n...\r\n.\r\n", ".\r\n..\r\n"},
      {"a\n.\n", "a\r\n"},
      {"a\rb\r\r\n.\r\n", "a\rb\r\r\n"},
      {".\ra\r\n.\r\n", "\ra\r\n"},
      {".\r\r\n.\r\n", "\r\r\n"},
      {"\r\n\n.\r\n", "\r\n\r\n"},
      {".a.\r\n.\r\n", "a.\r\n"},
  };
  for (const auto& c : cases) {
    for (std::size_t i = 0; i <= c.wire.size(); ++i) {
      MessageDecoder decoder;
      std::string out;
      decoder.decode(c.wire.substr(0, i), out);
      decoder.decode(c.wire.substr(i), out);
      EXPECT_EQ(out, c.text) << c.wire << " at " << i;
      EXPECT_TRUE(decoder.ended());
    }
  }
}

} // namespace
} // namespace paquebot::pop3
