#include "net/listener.h"

#include "base/log.h"
#include "base/timer.h"
#include "net/socket_address.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::net {

namespace {

constexpr int kBacklog = 4096;
/// Connections taken in one go before other work of the executor gets its turn.
constexpr int kBatch = 32;
/// How long to wait when descriptors or memory ran out. The connection waits in the backlog meanwhile.
constexpr auto kRest = std::chrono::milliseconds(100);
constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

bool ran_out() { return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM; }

/// False where the kernel was told to do without, or a unit lets the process not use it.
bool has_ipv6() {
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe >= 0) ::close(probe);
  return probe >= 0 || errno != EAFNOSUPPORT;
}

bool is_socket(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

/// Removes the socket that a dead process left; `conflict` while somebody still answers on it.
Result<> remove_stale(const SocketAddress& address, const std::string& path) {
  if (!is_socket(path)) return {};
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return std::unexpected(errno_error(errno, "a socket could not be made"));
  const bool dead = ::connect(probe, address.raw(), address.size) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (!dead) return fail(Errc::conflict, path + ": another process is listening there");
  if (::unlink(path.c_str()) != 0)
    return std::unexpected(errno_error(errno, path + ": the old socket cannot be removed"));
  return {};
}

void set_options(int descriptor, const SocketAddress& address, const std::string& text, int mode) {
  const int on = 1;
  if (address.family() == AF_UNIX) {
    ::fchmod(descriptor, static_cast<mode_t>(mode)); // the path is born with it: nobody slips in before chmod
    return;
  }
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); // RFC 6093 section 5; connections inherit it
  if (address.family() != AF_INET6) return;
  const int only_v6 = text.starts_with("[::]:") ? 0 : 1;
  setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
}

Result<int> bind_and_listen(const SocketAddress& address, const std::string& text, int mode) {
  const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::unexpected(errno_error(errno, "a socket could not be made"));
  set_options(descriptor, address, text, mode);
  if (::bind(descriptor, address.raw(), address.size) == 0 && ::listen(descriptor, kBacklog) == 0) return descriptor;
  const Error error = errno_error(errno, "listening on " + text + " failed");
  ::close(descriptor);
  return std::unexpected(error);
}

} // namespace

struct Listener::Impl {
  explicit Impl(int fd) : descriptor(fd) {}
  ~Impl() { shut(); }

  void shut() {
    if (descriptor < 0) return;
    if (!path.empty() && !handed_on) ::unlink(path.c_str());
    boost::system::error_code ignored;
    if (watched && handed_on)
      ::close(watched->release()); // closing alone would leave it watched: the other handle keeps the socket open
    else if (watched)
      watched->close(ignored);
    else
      ::close(descriptor);
    if (timer) timer->cancel();
    descriptor = -1;
  }

  enum class Outcome { taken, none, exhausted };

  Outcome accept_one(const std::function<void(int, Endpoint)>& on_connection) {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    const int fd = ::accept4(descriptor, peer.raw(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (ran_out()) return Outcome::exhausted;
      // All other errors belong to the one connection that went away again (accept(2)).
      return errno == EAGAIN || errno == EWOULDBLOCK ? Outcome::none : Outcome::taken;
    }
    const int on = 1;
    if (peer.family() != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    on_connection(fd, from_socket_address(peer));
    return Outcome::taken;
  }

  Outcome accept_batch(const std::function<void(int, Endpoint)>& on_connection) {
    Outcome last = Outcome::taken;
    for (int i = 0; i < kBatch && last == Outcome::taken && descriptor >= 0; ++i) last = accept_one(on_connection);
    return last;
  }

  Task<void> rest() {
    log::warning("accept-paused", {{"listener", bound.to_string()}, {"why", "descriptors or memory ran out"}});
    timer->expires_after(kRest);
    co_await timer->async_wait(kTuple);
  }

  int descriptor;
  Endpoint bound;
  std::string path; ///< of a local socket, to be removed at the end
  std::atomic<bool> handed_on = false;
  std::optional<boost::asio::posix::stream_descriptor> watched;
  std::optional<Timer> timer;
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() {
  if (impl_) impl_->shut();
}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&& other) noexcept {
  if (impl_ && impl_ != other.impl_) impl_->shut();
  impl_ = std::move(other.impl_);
  return *this;
}

Result<Listener> Listener::open(const std::string& address, int mode) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->address == "::" && !has_ipv6()) {
    const std::string instead = Endpoint{"0.0.0.0", endpoint->port}.to_string();
    log::warning("no-ipv6", {{"listener", address}, {"instead", instead}, {"why", "this system has no IPv6"}});
    return open(instead, mode);
  }
  const auto raw = to_socket_address(*endpoint);
  if (!raw) return std::unexpected(raw.error());
  if (endpoint->is_local())
    if (auto removed = remove_stale(*raw, address); !removed) return std::unexpected(removed.error());
  const auto descriptor = bind_and_listen(*raw, address, mode);
  if (!descriptor) return std::unexpected(descriptor.error());
  auto impl = std::make_shared<Impl>(*descriptor);
  if (endpoint->is_local()) {
    impl->path = address;
    impl->bound = *endpoint;
    if (::chmod(address.c_str(), static_cast<mode_t>(mode)) != 0)
      return std::unexpected(errno_error(errno, address + ": its mode cannot be set"));
  } else {
    SocketAddress real;
    real.size = sizeof real.storage;
    if (getsockname(*descriptor, real.raw(), &real.size) == 0) impl->bound = from_socket_address(real);
  }
  return Listener(std::move(impl));
}

Result<Listener> Listener::adopt(int descriptor) {
  auto impl = std::make_shared<Impl>(descriptor);
  int kind = 0, listens = 0;
  socklen_t size = sizeof kind;
  if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) != 0)
    return std::unexpected(errno_error(errno, "what was passed on is no socket"));
  size = sizeof listens;
  getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
  if (kind != SOCK_STREAM || listens == 0)
    return fail(Errc::invalid, "what was passed on is no listening stream socket");
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 ||
      ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK) != 0)
    return std::unexpected(errno_error(errno, "a socket that was passed on can't be used"));
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(descriptor, address.raw(), &address.size) != 0)
    return std::unexpected(errno_error(errno, "a socket that was passed on has no address"));
  const int on = 1;
  if (address.family() != AF_UNIX) setsockopt(descriptor, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
  impl->bound = from_socket_address(address);
  return Listener(std::move(impl));
}

Endpoint Listener::bound() const { return impl_->bound; }

Task<void> Listener::serve(boost::asio::any_io_executor executor,
                           std::function<void(int descriptor, Endpoint peer)> on_connection) {
  const std::shared_ptr<Impl> impl = impl_;
  if (impl->descriptor < 0) co_return;
  impl->timer.emplace(executor);
  impl->watched.emplace(std::move(executor), impl->descriptor);
  while (impl->descriptor >= 0) {
    const auto outcome = impl->accept_batch(on_connection);
    if (impl->descriptor < 0) break;
    if (outcome == Impl::Outcome::none)
      co_await impl->watched->async_wait(boost::asio::posix::stream_descriptor::wait_read, kTuple);
    else if (outcome == Impl::Outcome::exhausted)
      co_await impl->rest();
    else
      co_await boost::asio::post(boost::asio::use_awaitable);
  }
}

void Listener::stop() { impl_->shut(); }

Result<Listener> Listener::hand_on() {
  const int twin = ::fcntl(impl_->descriptor, F_DUPFD_CLOEXEC, 0);
  if (twin < 0) return std::unexpected(errno_error(errno, "a listening socket can't be kept"));
  auto impl = std::make_shared<Impl>(twin);
  impl->bound = impl_->bound;
  impl->path = impl_->path;
  impl_->handed_on = true;
  return Listener(std::move(impl));
}

} // namespace paquebot::net
