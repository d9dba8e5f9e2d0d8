#include "cli/fake_servers.h"
#include "cli/send.h"
#include "cli/smtp_client.h"
#include "cli/test_support.h"
#include "net/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace paquebot::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Server {
  test::FakeMta mta;
  std::shared_ptr<smtp::ServerOptions> options = std::make_shared<smtp::ServerOptions>();
  bool implicit = false;
  std::unique_ptr<test::FakeServer> server;

  void start() {
    options->hostname = "mx.test";
    server = std::make_unique<test::FakeServer>(
        [this] { return std::make_unique<test::FakeSmtp>(mta, options, implicit); }, implicit);
  }
  void submission() {
    options->role = smtp::Role::submission;
    options->tls_available = options->tls_required = options->auth_available = options->auth_required = true;
  }
};

SendOptions to_bob(const Server& server) {
  SendOptions options;
  options.letter.from = "anna@example.org";
  options.letter.to = {"bob@example.net"};
  options.letter.subject = "Hello";
  options.letter.text = "Hi\n.dot\n";
  options.target.server = server.server->where();
  return options;
}

struct Outcome {
  std::string out, terminal, error;
  Errc code{};
};

Outcome send(const SendOptions& options, const std::string& input = {}) {
  std::istringstream in(input);
  std::ostringstream out, terminal;
  auto done = send_letter(options, in, out, terminal);
  Outcome o{out.str(), terminal.str(), {}};
  if (!done) {
    o.error = done.error().message;
    o.code = done.error().code;
  }
  return o;
}

TEST(Send, InClearWithoutLogin) {
  Server server;
  server.start();
  Outcome o = send(to_bob(server));
  EXPECT_EQ(o.error, "");
  EXPECT_EQ(o.out, "250 2.0.0 accepted id=01TEST\n");
  EXPECT_TRUE(server.mta.content.ends_with("\r\n\r\nHi\r\n.dot\r\n")) << server.mta.content;
  EXPECT_THAT(server.mta.recipients, ElementsAre("bob@example.net"));
}

TEST(Send, LogsInUnderStarttls) {
  Server server;
  server.submission();
  server.start();
  SendOptions options = to_bob(server);
  options.target.user = "anna";
  options.target.password = "secret";
  EXPECT_EQ(send(options).error, "");
  EXPECT_EQ(server.mta.login, "anna");
  options.target.password = "wrong";
  Outcome o = send(options);
  EXPECT_EQ(o.code, Errc::permission);
  EXPECT_THAT(o.error, HasSubstr("refused the login of \"anna\""));
}

TEST(Send, ChecksTheCertificate) {
  Server server;
  server.implicit = true;
  server.start();
  SendOptions options = to_bob(server);
  options.target.tls = TlsMode::implicit;
  Outcome o = send(options);
  EXPECT_THAT(o.error, HasSubstr("--ca-file"));
  options.target.ca_pem = server.server->certificate;
  EXPECT_THAT(send(options).error, HasSubstr("TLS with")) << "the name is another";
  options.target.server = "localhost:" + std::to_string(server.server->port);
  EXPECT_EQ(send(options).error, "");
  options = to_bob(server);
  options.target.tls = TlsMode::implicit;
  options.target.verify = false;
  EXPECT_EQ(send(options).error, "");
}

TEST(Send, NoTlsWhereItIsRequired) {
  Server server;
  server.start();
  SendOptions options = to_bob(server);
  options.target.tls = TlsMode::starttls;
  Outcome o = send(options);
  EXPECT_EQ(o.code, Errc::unsupported);
  EXPECT_THAT(o.error, HasSubstr("does not offer TLS"));
}

TEST(Send, NamesRefusedRecipients) {
  Server server;
  server.start();
  SendOptions options = to_bob(server);
  options.letter.cc = {"nobody@example.net"};
  Outcome o = send(options);
  EXPECT_EQ(o.out, "250 2.0.0 accepted id=01TEST\n");
  EXPECT_THAT(o.error, HasSubstr("sent to 1 of 2 recipients, not to:\n  nobody@example.net: 550 5.1.1 no such user"));
  options.letter.to = {"nobody@example.net"};
  options.letter.cc = {};
  o = send(options);
  EXPECT_EQ(o.out, "");
  EXPECT_THAT(o.error, HasSubstr("was not sent"));
}

TEST(Send, RefusedContentAndSizes) {
  Server server;
  server.mta.final_reply = {554, {5, 6, 0}, "no"};
  server.start();
  Outcome o = send(to_bob(server));
  EXPECT_EQ(o.out, "");
  EXPECT_THAT(o.error, HasSubstr("554 5.6.0 no"));
  server.options->max_message_size = 100;
  o = send(to_bob(server));
  EXPECT_EQ(o.code, Errc::no_space);
  EXPECT_THAT(o.error, HasSubstr("takes at most 100 B:"));
}

TEST(Send, LargeAttachmentWithBarAndTextFromInput) {
  test::Folder folder;
  Server server;
  server.start();
  SendOptions options = to_bob(server);
  options.letter.attachments = {folder.write("big.bin", std::string(5'000'000, 'x'))};
  options.text_file = "-";
  options.progress = true;
  Outcome o = send(options, "from the pipe\n");
  EXPECT_EQ(o.error, "");
  EXPECT_GT(server.mta.content.size(), 6'700'000u);
  EXPECT_THAT(server.mta.content.substr(0, 2000), HasSubstr("from the pipe"));
  EXPECT_THAT(o.terminal, HasSubstr("sending ["));
}

TEST(Send, SaysWhyItCannotConnect) {
  SendOptions options;
  {
    Server server;
    server.start();
    options = to_bob(server);
  } // closed again: nobody listens there
  Outcome o = send(options);
  EXPECT_EQ(o.code, Errc::closed); // nobody answers: unavailable, not a refusal of the mail
  EXPECT_THAT(o.error, HasSubstr("Is the server running"));
  options.target.server = "no such host";
  EXPECT_EQ(send(options).code, Errc::invalid);
  options.text_file = "/nonexistent/text";
  EXPECT_EQ(send(options).code, Errc::not_found);
}

TEST(Send, AServerThatSaysNothingMayWantTlsFirst) {
  const auto silent = net::Listener::open("127.0.0.1:0"); // connections wait in its backlog
  ASSERT_TRUE(silent);
  SendOptions options;
  {
    Server server;
    server.start();
    options = to_bob(server);
  }
  options.target.server = silent->bound().to_string();
  options.target.greeting_timeout = std::chrono::milliseconds(20);
  const Outcome o = send(options);
  EXPECT_EQ(o.code, Errc::timeout);
  EXPECT_THAT(o.error, HasSubstr("try --tls implicit"));
}

TEST(ClientDriver, ParsesServers) {
  struct {
    const char* text;
    const char* host; // empty: refused
    int port;
  } cases[] = {
      {"mail.example.org", "mail.example.org", 0},
      {"mail.example.org:587", "mail.example.org", 587},
      {"192.0.2.1:25", "192.0.2.1", 25},
      {"[2001:db8::1]:25", "2001:db8::1", 25},
      {"2001:db8::1", "2001:db8::1", 0},
      {"[::1]", "::1", 0},
      {"", "", 0},
      {":25", "", 0},
      {"a:0", "", 0},
      {"a:65536", "", 0},
      {"a:x", "", 0},
      {"[::1", "", 0},
      {"[::1]25", "", 0},
      {"user@host", "", 0},
  };
  for (const auto& c : cases) {
    auto parsed = parse_server(c.text);
    EXPECT_EQ(parsed.has_value(), *c.host != 0) << c.text;
    if (!parsed) continue;
    EXPECT_EQ(parsed->host, c.host);
    EXPECT_EQ(parsed->port, c.port);
  }
}

TEST(ClientDriver, PlansTls) {
  Target login;
  login.user = "anna";
  TlsPlan far = plan_tls(login, 587, false);
  EXPECT_TRUE(far.wanted && far.required && far.verify && !far.implicit);
  TlsPlan near = plan_tls(login, 2465, true);
  EXPECT_TRUE(near.implicit && !near.verify);
  Target told = login; // by the configuration, on a port that tells nothing
  told.tls_first = true;
  EXPECT_TRUE(plan_tls(told, 2466, true).implicit);
  told.tls_first = false;
  EXPECT_FALSE(plan_tls(told, 2465, true).implicit);
  TlsPlan stranger = plan_tls({}, 25, false);
  EXPECT_TRUE(stranger.wanted && !stranger.required && !stranger.verify);
  login.tls = TlsMode::none;
  TlsPlan none = plan_tls(login, 465, false);
  EXPECT_TRUE(!none.implicit && !none.wanted && !none.required);
}

} // namespace
} // namespace paquebot::cli
