#pragma once

// For tests only: an SMTP and a POP3 server on loopback, each one thread that serves one connection after the other.

#include "base/clock.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "pop3/fake_mailbox.h"
#include "smtp/server_session.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <thread>
#include <unistd.h>

namespace paquebot::cli::test {

/// What the engine of one connection has for the network.
class Conversation {
public:
  virtual ~Conversation() = default;
  virtual void feed(std::string_view bytes) = 0;
  virtual void tls_started() = 0;
  std::string output; ///< not written yet
  bool wants_tls = false, closed = false;
};

/// Listens on 127.0.0.1, gives each connection to a new conversation of `make`.
class FakeServer {
public:
  explicit FakeServer(std::function<std::unique_ptr<Conversation>()> make, bool implicit_tls = false)
      : make_(std::move(make)), implicit_tls_(implicit_tls) {
    auto self_signed = net::make_self_signed("localhost");
    certificate = self_signed->certificate_pem;
    tls_ = *net::TlsContext::server(self_signed->certificate_pem, self_signed->key_pem);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 5) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string where() const { return "127.0.0.1:" + std::to_string(port); }

  std::uint16_t port = 0;
  std::string certificate; ///< PEM, for "localhost"

private:
  void run() {
    for (;;) {
      int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (descriptor < 0) return;
      net::test::Loop loop;
      auto conversation = make_();
      net::Stream stream(loop.executor(), descriptor, loop.wheel());
      stream.set_deadline(system_clock().now() + std::chrono::minutes(1));
      loop.run(serve(stream, *conversation));
    }
  }

  Task<bool> serve(net::Stream& stream, Conversation& conversation) {
    if (implicit_tls_) {
      if (auto done = co_await stream.start_tls_server(*tls_); !done) co_return false;
    }
    for (;;) {
      std::string output = std::move(conversation.output);
      conversation.output.clear();
      if (auto written = co_await stream.write(output); !written) co_return false;
      if (conversation.closed) break;
      if (conversation.wants_tls) {
        conversation.wants_tls = false;
        if (auto done = co_await stream.start_tls_server(*tls_); !done) co_return false;
        conversation.tls_started();
        continue;
      }
      auto bytes = co_await stream.read();
      if (!bytes || bytes->empty()) co_return false;
      conversation.feed(*bytes);
    }
    stream.close();
    co_return true;
  }

  std::function<std::unique_ptr<Conversation>()> make_;
  bool implicit_tls_;
  std::shared_ptr<net::TlsContext> tls_;
  int listener_ = -1;
  std::thread thread_;
};

/// POP3 over a FakeMailbox that outlives it.
class FakePop3 final : public Conversation {
public:
  FakePop3(pop3::FakeMailbox& mailbox, std::shared_ptr<const pop3::ServerOptions> options, bool encrypted)
      : mailbox_(mailbox), session_(std::move(options), encrypted) {
    mailbox_.closed = mailbox_.wants_tls = false;
    perform();
  }
  void feed(std::string_view bytes) override {
    session_.feed(bytes);
    perform();
  }
  void tls_started() override {
    mailbox_.wants_tls = false;
    session_.tls_started();
    perform();
  }

private:
  void perform() {
    mailbox_.perform(session_);
    output += mailbox_.sent;
    mailbox_.sent.clear();
    wants_tls = mailbox_.wants_tls;
    closed = mailbox_.closed;
  }
  pop3::FakeMailbox& mailbox_;
  pop3::ServerSession session_;
};

/// What a fake SMTP server did, and how it is to answer.
struct FakeMta {
  std::string content;                 ///< of the last message
  std::vector<std::string> recipients; ///< accepted
  std::string login;
  mail::Reply final_reply{250, {2, 0, 0}, "accepted id=01TEST"};
  std::string refused_recipient = "nobody@example.net";
};

class FakeSmtp final : public Conversation {
public:
  FakeSmtp(FakeMta& mta, std::shared_ptr<const smtp::ServerOptions> options, bool encrypted)
      : mta_(mta), session_(std::move(options), {"127.0.0.1", encrypted}) {
    perform();
  }
  void feed(std::string_view bytes) override {
    session_.feed(bytes);
    perform();
  }
  void tls_started() override {
    session_.tls_started("TLSv1.3", "x");
    perform();
  }

private:
  void perform() {
    for (;;) {
      smtp::Action action = session_.next();
      if (std::holds_alternative<smtp::NeedInput>(action)) return;
      if (std::holds_alternative<smtp::StartTls>(action)) {
        wants_tls = true;
        return;
      }
      if (std::holds_alternative<smtp::Close>(action)) {
        closed = true;
        return;
      }
      std::visit([this](auto& a) { on(a); }, action);
    }
  }
  void on(smtp::Send& a) { output += a.bytes; }
  void on(smtp::Chunk& a) { mta_.content += a.bytes; }
  void on(smtp::AskLogin& a) {
    const sasl::Question& q = *a.question;
    if (q.kind == sasl::Question::Kind::scram_keys)
      return session_.answer_keys(a.id, {"salt", 4096, {sasl::make_scram_key(q.hash, "secret", "salt", 4096)}});
    bool good = q.authcid == "anna" && (q.kind == sasl::Question::Kind::scram ? q.right : q.secret == "secret");
    if (good) mta_.login = q.authcid;
    session_.answer(a.id, good ? mail::Reply{235, {2, 7, 0}, ""} : mail::Reply{535, {5, 7, 8}, "wrong password"});
  }
  void on(smtp::AskRecipient& a) {
    std::string address = a.recipient->address.to_string();
    bool refused = address == mta_.refused_recipient;
    if (!refused) mta_.recipients.push_back(address);
    session_.answer(a.id, refused ? mail::Reply{550, {5, 1, 1}, "no such user"} : mail::Reply{250, {2, 1, 5}, ""});
  }
  void on(smtp::AskEtrn& a) { session_.answer(a.id, {459, {4, 7, 1}, "not here"}); }
  void on(smtp::AskContent& a) { session_.answer(a.id, mta_.final_reply); }
  template <class Ask>
    requires requires(Ask a) { a.id; }
  void on(Ask& a) {
    session_.answer(a.id, mail::Reply{250, {}, ""});
  }
  template <class Other>
  void on(Other&) {}

  FakeMta& mta_;
  smtp::ServerSession session_;
};

} // namespace paquebot::cli::test
