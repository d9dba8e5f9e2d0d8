#include "cli/client_driver.h"

#include "base/clock.h"
#include "base/text.h"
#include "net/channel.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/wheel.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <fmt/format.h>
#include <netdb.h>
#include <optional>
#include <vector>

namespace paquebot::cli {

namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;
constexpr std::chrono::seconds kWriteTimeout{300};
constexpr std::chrono::seconds kHandshakeTimeout{60};

template <class T>
Task<void> keep(Task<T> task, std::optional<T>* into) {
  T value = co_await std::move(task);
  into->emplace(std::move(value));
}

/// Runs one coroutine to its end.
template <class T>
T finish(asio::io_context& io, Task<T> task) {
  std::optional<T> value;
  bool done = false;
  std::exception_ptr thrown;
  asio::co_spawn(io, keep(std::move(task), &value), [&](std::exception_ptr e) {
    thrown = e;
    done = true;
  });
  io.restart();
  while (!done && io.run_one() > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  if (!value) return fail(Errc::io, "the connection's work did not end");
  return std::move(*value);
}

Result<std::vector<std::string>> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_UNSPEC;
  addrinfo* found = nullptr;
  if (int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    Errc code = error == EAI_AGAIN ? Errc::temporary : Errc::not_found;
    return fail(code,
                fmt::format("the name \"{}\" can't be resolved ({}): is it spelt right, and does this machine have "
                            "DNS?",
                            printable(host), gai_strerror(error)));
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<std::string> out;
  for (addrinfo* a = found; a != nullptr; a = a->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      out.emplace_back(text);
  }
  return out;
}

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

Error explain_connect(const Error& cause, const std::string& where, std::uint16_t port) {
  std::string text = fmt::format("{} can't be reached: {}.", where, cause.message);
  if (cause.code == Errc::refused) text += " Is the server running, and is this its port?";
  if (cause.code == Errc::timeout) text += " Is a firewall in between?";
  if (port == 25) text += " Many providers block port 25: for sending as a user try port 587 or 465.";
  // Nobody is there: that is not a server that said no.
  return {cause.code == Errc::refused ? Errc::closed : cause.code, std::move(text)};
}

} // namespace

Result<HostPort> parse_server(std::string_view text) {
  auto wrong = [&] {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is not a server: write host, host:port or [IPv6 address]:port", printable(text)));
  };
  HostPort out;
  std::string_view port;
  bool with_port = false;
  if (text.starts_with('[')) {
    std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong();
    out.host = text.substr(1, end - 1);
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return wrong();
      port = text.substr(end + 2);
      with_port = true;
    }
  } else {
    std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
      colon = std::string_view::npos;
    out.host = text.substr(0, colon);
    with_port = colon != std::string_view::npos;
    if (with_port) port = text.substr(colon + 1);
  }
  if (out.host.empty() || out.host.size() > 255 || out.host.find_first_of(" \t\r\n/@") != std::string::npos)
    return wrong();
  if (!with_port) return out;
  auto number = parse_u64(port);
  if (!number || *number == 0 || *number > 65535) return wrong();
  out.port = static_cast<std::uint16_t>(*number);
  return out;
}

TlsPlan plan_tls(const Target& target, std::uint16_t port, bool loopback) {
  switch (target.tls) {
    case TlsMode::none: return {};
    case TlsMode::implicit: return {true, false, true, target.verify};
    case TlsMode::starttls: return {false, true, true, target.verify};
    default: break;
  }
  bool far_login = !target.user.empty() && !loopback;
  TlsPlan plan;
  plan.implicit = target.tls_first.value_or(port % 1000 == 465 || port % 1000 == 993 || port % 1000 == 995);
  plan.wanted = !plan.implicit;
  plan.required = plan.implicit || far_login;
  plan.verify = target.verify && (far_login || !target.ca_pem.empty());
  return plan;
}

struct ClientDriver::Impl {
  asio::io_context io{1};
  net::Wheel wheel{io.get_executor()};
  std::optional<net::Stream> stream;
  std::shared_ptr<net::TlsContext> context;
  std::string host, where, ca_pem;
  TlsPlan plan;
  std::chrono::milliseconds greeting_timeout{};
  bool heard = false; ///< anything from the server, also in a handshake
  std::uint32_t window = 0;
  steady_clock::time_point deadline{};
};

ClientDriver::ClientDriver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientDriver::~ClientDriver() {
  if (impl_ && impl_->stream) impl_->stream->close();
}
ClientDriver::ClientDriver(ClientDriver&&) noexcept = default;
ClientDriver& ClientDriver::operator=(ClientDriver&&) noexcept = default;

Result<ClientDriver> ClientDriver::connect(const Target& target, const HostPort& where) {
  auto addresses = resolve(where.host);
  if (!addresses) return std::unexpected(addresses.error());
  auto impl = std::make_unique<Impl>();
  impl->host = where.host;
  impl->where = where.host.contains(':') ? fmt::format("[{}]:{}", where.host, where.port)
                                         : fmt::format("{}:{}", where.host, where.port);
  impl->ca_pem = target.ca_pem;
  impl->greeting_timeout = target.greeting_timeout;
  Error last{Errc::not_found, "the name has no address"};
  for (const std::string& address : *addresses) {
    net::Endpoint endpoint{address, where.port};
    auto deadline = system_clock().now() + target.connect_timeout;
    auto stream =
        finish(impl->io, net::connect_tcp(impl->io.get_executor(), impl->wheel, endpoint, std::string(), deadline));
    if (!stream) {
      last = std::move(stream.error());
      continue;
    }
    impl->stream.emplace(std::move(*stream));
    impl->plan = plan_tls(target, where.port, is_loopback(address));
    ClientDriver driver(std::move(impl));
    if (driver.impl_->plan.implicit) {
      if (auto done = driver.start_tls(); !done) return std::unexpected(done.error());
    }
    return driver;
  }
  return std::unexpected(explain_connect(last, impl->where, where.port));
}

Result<> ClientDriver::start_tls() {
  auto context = net::TlsContext::client(impl_->plan.verify, impl_->ca_pem);
  if (!context) return std::unexpected(context.error());
  impl_->context = *context;
  impl_->stream->set_deadline(system_clock().now() + kHandshakeTimeout);
  auto info = finish(impl_->io, impl_->stream->start_tls_client(*impl_->context, impl_->host));
  impl_->heard = impl_->heard || info.has_value();
  if (info) return {};
  std::string text = fmt::format("TLS with {} failed: {}.", impl_->where, info.error().message);
  if (impl_->plan.verify) {
    text += " If the certificate is self-signed, give it with --ca-file, or do without the check by --insecure.";
  }
  if (impl_->plan.implicit) text += " If this port begins in clear, try --tls starttls.";
  return fail(info.error().code, std::move(text));
}

Result<std::string_view> ClientDriver::read(std::chrono::milliseconds within, std::uint32_t window) {
  if (!impl_->heard) within = std::min(within, impl_->greeting_timeout);
  if (window != impl_->window) {
    impl_->window = window;
    impl_->deadline = system_clock().now() + within;
  }
  impl_->stream->set_deadline(impl_->deadline);
  auto bytes = finish(impl_->io, impl_->stream->read());
  impl_->heard = impl_->heard || (bytes && !bytes->empty());
  return bytes;
}

std::string ClientDriver::silence_advice() const {
  if (impl_->heard || impl_->plan.implicit) return {};
  return " It said nothing at all: if this port speaks TLS from the first octet, try --tls implicit.";
}

Result<> ClientDriver::write(std::string_view bytes) {
  impl_->stream->set_deadline(system_clock().now() + kWriteTimeout);
  return finish(impl_->io, impl_->stream->write(bytes));
}

sasl::Channel ClientDriver::channel() const { return net::channel_of(*impl_->stream); }
bool ClientDriver::encrypted() const { return impl_->stream->encrypted(); }
const TlsPlan& ClientDriver::tls() const { return impl_->plan; }
const std::string& ClientDriver::where() const { return impl_->where; }

std::string ClientDriver::ehlo_literal() const {
  std::string address = impl_->stream->local().address;
  return address.contains(':') ? fmt::format("[IPv6:{}]", address) : fmt::format("[{}]", address);
}

} // namespace paquebot::cli
