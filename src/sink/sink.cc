#include "sink/sink.h"

#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "control/json.h"
#include "net/context_pool.h"
#include "net/listener.h"
#include "net/self_signed.h"
#include "net/stream.h"
#include "service/http_session.h"
#include "service/launcher.h"
#include "sink/pop3_session.h"
#include "sink/present.h"
#include "sink/site.h"
#include "sink/smtp_session.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <pthread.h>
#include <stdexcept>
#include <tuple>
#include <unistd.h>

namespace paquebot::sink {
namespace {

constexpr std::size_t kMostSessions = 500;
constexpr std::size_t kMostFile = 1u << 20;
constexpr std::chrono::seconds kPatience{2};

enum class Protocol : std::uint8_t { smtp, http, pop3 };

/// One open door.
struct Door {
  net::Listener listener;
  Protocol protocol;
};

net::Makeshift must(Result<net::Makeshift> made) {
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}
std::shared_ptr<net::TlsContext> context_of(const net::SelfSigned& pair) {
  auto made = net::TlsContext::server(pair.certificate_pem, pair.key_pem);
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

/// Everything of a running sink. What coroutines use stands before the threads that run them.
class Sink {
public:
  Sink(const cli::SinkOptions& options, const std::string& version)
      : inboxes_({.octets = options.memory, .message = std::min<std::uint64_t>(50ull << 20, options.memory)}),
        contexts_(1) {
    const net::Makeshift certificates = must(net::make_makeshift());
    facts_.version = version;
    facts_.started = system_clock().now();
    facts_.certificate_pem = certificates.authority_pem;
    for (const std::string& one : options.hosts) facts_.hosts.push_back(to_lower(one));
    means_.tls[""] = context_of(certificates.good);
    means_.tls["stranger"] = context_of(certificates.stranger);
    means_.tls["name"] = context_of(certificates.other);
    means_.tls["expired"] = context_of(certificates.expired);
    inboxes_.on_change = faults_.on_change = [this] { changes_.notify(); };
    http::ServerOptions web;
    web.max_requests = 1'000'000; // of a test that asks again and again
    web.clock = &system_clock();
    web_->session = std::make_shared<const http::ServerOptions>(std::move(web));
    if (options.seed) faults_.set_seed(*options.seed);
  }

  Faults& faults() { return faults_; }
  const SinkFacts& facts() const { return facts_; }

  Result<> open(Protocol protocol, const std::vector<std::string>& wanted, std::uint16_t usual);
  void run();
  void stop();

private:
  Result<> open_one(Protocol protocol, const std::string& address, bool must_be);
  void tell(Protocol protocol, const net::Endpoint& bound);
  void take(Protocol protocol, int descriptor);
  Task<void> converse(Protocol protocol, net::Stream stream);
  Task<void> listen(std::size_t index);

  Inboxes inboxes_;
  Faults faults_;
  Changes changes_;
  service::Sessions sessions_;
  SinkFacts facts_;
  std::uint64_t coming_ = 0;
  SinkSite site_{SiteParts{inboxes_, faults_, changes_, facts_}};
  std::shared_ptr<service::HttpListenerOptions> web_ = std::make_shared<service::HttpListenerOptions>();
  service::Launcher launcher_;
  Means means_{
      inboxes_,       faults_,
      sessions_,      smtp_options(inboxes_.bounds().message),
      pop3_options(), {},
      coming_,        [this](Task<void> task) { launcher_.launch(contexts_.executor(0), std::move(task), "sink"); }};
  bool stopping_ = false;
  net::ContextPool contexts_; ///< ends before what its coroutines use
  std::vector<Door> doors_;
};

/// "1025": on both own addresses, the one of IPv6 where there is one.
Result<> Sink::open(Protocol protocol, const std::vector<std::string>& wanted, std::uint16_t usual) {
  std::vector<std::string> all = wanted;
  if (all.empty()) all.push_back(std::to_string(usual));
  for (const std::string& one : all) {
    if (one == "none") continue;
    const auto port = parse_u64(one);
    if (!port || *port > 65535) {
      if (auto opened = open_one(protocol, one, true); !opened) return opened;
      continue;
    }
    if (auto opened = open_one(protocol, "127.0.0.1:" + one, true); !opened) return opened;
    if (*port != 0) (void)open_one(protocol, "[::1]:" + one, false);
  }
  return {};
}

Result<> Sink::open_one(Protocol protocol, const std::string& address, bool must_be) {
  constexpr std::string_view local = "unix:";
  const std::string place = address.starts_with(local) ? address.substr(local.size()) : address;
  auto listener = net::Listener::open(place);
  if (!listener) {
    if (!must_be) return {};
    listener.error().message += "; another port: --smtp, --http, --pop3 PORT";
    return std::unexpected(listener.error());
  }
  const net::Endpoint bound = listener->bound();
  tell(protocol, bound);
  doors_.push_back({std::move(*listener), protocol});
  return {};
}

void Sink::tell(Protocol protocol, const net::Endpoint& bound) {
  const std::string text = (bound.is_local() ? "unix:" : "") + bound.to_string();
  (protocol == Protocol::smtp ? facts_.smtp : protocol == Protocol::http ? facts_.http : facts_.pop3).push_back(text);
}

void Sink::run() {
  for (std::size_t index = 0; index < doors_.size(); ++index)
    launcher_.launch(contexts_.executor(0), listen(index), "listener");
  contexts_.run();
}

Task<void> Sink::listen(std::size_t index) {
  net::Listener& listener = doors_[index].listener;
  const Protocol protocol = doors_[index].protocol;
  Task<void> serving = listener.serve(
      contexts_.executor(0), [this, protocol](int descriptor, const net::Endpoint&) { take(protocol, descriptor); });
  co_await std::move(serving);
}

void Sink::take(Protocol protocol, int descriptor) {
  if (stopping_ || sessions_.count() >= kMostSessions) {
    ::close(descriptor);
    return;
  }
  net::Stream stream(contexts_.executor(0), descriptor, contexts_.wheel(0));
  launcher_.launch(contexts_.executor(0), converse(protocol, std::move(stream)), "session");
}

Task<void> Sink::converse(Protocol protocol, net::Stream stream) {
  auto executor = contexts_.executor(0);
  switch (protocol) {
    case Protocol::smtp: return SmtpSession::serve(std::make_shared<SmtpSession>(means_, std::move(stream), executor));
    case Protocol::pop3: return Pop3Session::serve(std::make_shared<Pop3Session>(means_, std::move(stream), executor));
    case Protocol::http: break;
  }
  const service::HttpParts parts{site_, sessions_, nullptr};
  return service::HttpConnection::serve(
      std::make_shared<service::HttpConnection>(parts, web_, std::move(stream), executor));
}

/// What is in the middle of something gets a moment.
void Sink::stop() {
  boost::asio::post(contexts_.executor(0), [this] {
    stopping_ = true;
    for (Door& one : doors_) one.listener.stop();
    changes_.stop();
    sessions_.shut_down_all();
  });
  launcher_.wait_idle(system_clock().now() + kPatience);
  contexts_.stop();
  contexts_.join();
}

/// `seed`: of the command line, which goes before the file.
Result<> read_faults_file(const std::string& path, Faults& faults, std::optional<std::uint64_t> seed) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::not_found, path + " can't be read");
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.size() > kMostFile) return fail(Errc::invalid, path + " is larger than 1 MiB");
  const auto value = control::parse_json(text, path);
  if (!value) return std::unexpected(value.error());
  auto list = read_faults(*value);
  if (!list) return fail(Errc::invalid, path + ": " + list.error().error.message);
  return faults.replace(std::move(list->faults), seed ? seed : list->seed);
}

std::string joined(const std::vector<std::string>& texts) { return fmt::format("{}", fmt::join(texts, ", ")); }

void say_ready(const cli::SinkOptions& options, const SinkFacts& facts) {
  std::ostream& out = options.out != nullptr ? *options.out : std::cout;
  const auto list = [](const std::vector<std::string>& texts) {
    json::array all;
    for (const std::string& one : texts) all.emplace_back(one);
    return all;
  };
  if (options.json) {
    const json::object ready{{"smtp", list(facts.smtp)}, {"http", list(facts.http)}, {"pop3", list(facts.pop3)}};
    out << control::to_text(ready) << std::endl;
    return;
  }
  out << "The sink takes everything and sends nothing on.\n  SMTP  " << joined(facts.smtp) << "\n  page and API  ";
  for (const std::string& one : facts.http) out << (one.starts_with("unix:") ? "" : "http://") << one << "/ ";
  out << "\n  POP3  " << joined(facts.pop3) << std::endl;
}

} // namespace

int run_sink(const cli::SinkOptions& options, const std::string& version) {
  const auto complain = [](int code, const std::string& why) {
    std::cerr << "paquebot: " << printable(why, 4096) << '\n';
    return code;
  };
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, one);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // every thread inherits it; this one waits for them
  net::ignore_sigpipe();
  Sink sink(options, version);
  if (!options.faults.empty())
    if (auto read = read_faults_file(options.faults, sink.faults(), options.seed); !read)
      return complain(read.error().code == Errc::not_found ? cli::kNoInput : cli::kBadData, read.error().message);
  for (const auto& [protocol, wanted, usual] :
       {std::tuple(Protocol::smtp, &options.smtp, 1025), std::tuple(Protocol::http, &options.http, 8025),
        std::tuple(Protocol::pop3, &options.pop3, 1110)})
    if (auto opened = sink.open(protocol, *wanted, static_cast<std::uint16_t>(usual)); !opened)
      return complain(cli::exit_code(opened.error()), opened.error().message);
  sink.run();
  say_ready(options, sink.facts());
  int signal = 0;
  sigwait(&signals, &signal);
  sink.stop();
  return cli::kOk;
}

} // namespace paquebot::sink
