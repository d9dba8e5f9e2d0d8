#pragma once

// For tests only: all that delivers, in a world of its own: a fake zone, and mail hosts behind a fake dial.

#include "delivery/commons.h"
#include "delivery/connector.h"
#include "delivery/dial.h"
#include "delivery/test_mail.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::delivery::test {

/// A mail host that takes everything, but for what it is told to say to a verb: once for each entry, in their order.
/// "GREETING" and
/// "." (the end of the content) are verbs too. A reply of 421, and an empty one, ends the session.
struct FakeHost {
  std::map<std::string, std::deque<std::string>> says;
  std::string ehlo = "250-host\r\n250 ENHANCEDSTATUSCODES\r\n";
  std::shared_ptr<net::TlsContext> tls; ///< for STARTTLS
  std::function<void()> at_end = [] {}; ///< before the reply to a content
  unsigned connections = 0, quits = 0;
  std::vector<std::string> senders, recipients, contents; ///< of what it took
  std::vector<bool> encrypted;                            ///< for each content

  std::string reply_to(const std::string& verb) {
    std::deque<std::string>& told = says[verb];
    if (!told.empty()) {
      std::string reply = std::move(told.front());
      told.pop_front();
      return reply;
    }
    if (verb == "GREETING") return "220 host\r\n";
    if (verb == "EHLO") return ehlo;
    if (verb == "STARTTLS") return "220 2.0.0 go on\r\n";
    if (verb == "DATA") return "354 go on\r\n";
    return verb == "QUIT" ? "221 2.0.0 bye\r\n" : "250 2.0.0 ok\r\n";
  }
};

/// Opens connections to fake hosts by their addresses; to nobody else.
class FakeDial final : public Dial {
public:
  explicit FakeDial(net::test::Loop& loop) : loop_(loop) {}

  std::map<std::string, FakeHost> hosts;
  std::vector<std::string> called; ///< addresses

  Task<Result<net::Stream>> open(net::Endpoint to, std::string, std::chrono::steady_clock::time_point) override {
    called.push_back(to.address);
    const auto host = hosts.find(to.address);
    if (host == hosts.end()) co_return fail(Errc::closed, "nobody is there");
    auto pair = loop_.pair();
    far_ends_.push_back(std::move(pair.right));
    ++host->second.connections;
    loop_.start(serve(host->second, far_ends_.back()));
    co_return std::move(pair.left);
  }
  void hang_up() {
    for (net::Stream& end : far_ends_) end.close();
  }

private:
  /// The next line without its end; nothing at the end of the stream.
  static Task<std::optional<std::string>> line_of(net::Stream& stream, std::string& input) {
    for (;;) {
      const std::size_t end = input.find("\r\n");
      if (end != std::string::npos) {
        std::string line = input.substr(0, end);
        input.erase(0, end + 2);
        co_return line;
      }
      auto more = co_await stream.read();
      if (!more || more->empty()) co_return std::nullopt;
      input += *more;
    }
  }
  static Task<bool> answer(FakeHost& host, net::Stream& stream, std::string verb) {
    const std::string reply = host.reply_to(verb);
    if (reply.empty()) co_return false;
    auto sent = co_await stream.write(reply);
    co_return sent && !reply.starts_with("421");
  }
  static Task<void> serve(FakeHost& host, net::Stream& stream) {
    stream.set_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1));
    co_await talk(host, stream);
    stream.close();
  }
  static Task<void> talk(FakeHost& host, net::Stream& stream) {
    std::string input, verb = "GREETING", sender;
    std::vector<std::string> recipients;
    for (;;) {
      const bool goes_on = co_await answer(host, stream, verb);
      if (verb == "QUIT") ++host.quits;
      if (!goes_on || verb == "QUIT") co_return;
      if (verb == "STARTTLS") {
        net::TlsContext& context = *host.tls;
        auto done = co_await stream.start_tls_server(context);
        if (!done) co_return;
      }
      if (verb == "DATA") {
        std::string content;
        auto line = co_await line_of(stream, input);
        for (; line && *line != "."; line = co_await line_of(stream, input)) content += *line + "\n";
        if (!line) co_return;
        host.senders.push_back(sender);
        std::ranges::move(recipients, std::back_inserter(host.recipients));
        recipients.clear();
        host.contents.push_back(content);
        host.encrypted.push_back(stream.encrypted());
        host.at_end();
        verb = ".";
        continue;
      }
      const auto line = co_await line_of(stream, input);
      if (!line) co_return;
      verb = line->substr(0, line->find(' '));
      if (verb == "MAIL") sender = line->substr(line->find('<'));
      if (verb == "RCPT") recipients.push_back(line->substr(line->find('<')));
    }
  }

  net::test::Loop& loop_;
  std::list<net::Stream> far_ends_;
};

/// A queue with its store, and all that a Dispatcher, or a worker, works with.
struct Deliveries {
  explicit Deliveries(const std::string& zone_text, queue::Options options = {})
      : queue(server.store(), system_clock(), std::move(options)), zone(dns::FakeZone::parse(zone_text)),
        dial(new FakeDial(loop)),
        connector(loop.executor(), loop.wheel(), zone, {.hostname = "mx.example.org"}, std::unique_ptr<Dial>(dial)) {}
  ~Deliveries() {
    dial->hang_up();
    loop.run();
  }
  Deliveries(const Deliveries&) = delete;
  Deliveries& operator=(const Deliveries&) = delete;

  FakeHost& host(const std::string& address) { return dial->hosts[address]; }

  directory::TestServer server;
  directory::CpuPool cpu{1};
  net::test::Loop loop;
  queue::Queue queue;
  std::shared_ptr<dns::FakeZone> zone;
  FakeDial* dial; ///< the connector's
  Connector connector;
  Homecoming homecoming{queue, server.store(), server.directory(), system_clock()};
  Signer signer{server.store(), cpu, system_clock(), "mx.example.org"};
  policy::ReturnPaths paths{server.store(), server.directory(), system_clock()};
  TestMail mail{queue, server.store()};
};

} // namespace paquebot::delivery::test
