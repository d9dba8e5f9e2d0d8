#include "net/socket_address.h"
#include "net/stream_impl.h"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <utility>

namespace paquebot::net {

namespace {

/// Closes the descriptor unless it was released.
class Descriptor {
public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

private:
  int number_;
};

Result<> bind_to(int descriptor, const std::string& from, int family) {
  if (from.empty()) return {};
  auto local = to_socket_address(Endpoint{from, 0});
  if (!local) return std::unexpected(local.error());
  if (local->family() != family)
    return fail(Errc::invalid, "the source address " + from + " is not of the same family as the target");
  if (::bind(descriptor, local->raw(), local->size) != 0)
    return std::unexpected(errno_error(errno, "the source address " + from + " cannot be used"));
  return {};
}

/// A descriptor whose connection is made or under way.
Result<int> begin(const Endpoint& to, const std::string& from) {
  const auto target = to_socket_address(to);
  if (!target) return std::unexpected(target.error());
  Descriptor made(::socket(target->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.get() < 0) return std::unexpected(errno_error(errno, "a socket could not be made"));
  if (target->family() != AF_UNIX) {
    const int on = 1;
    setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(made.get(), SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); // RFC 6093 section 5: an octet like any other
    if (auto bound = bind_to(made.get(), from, target->family()); !bound) return std::unexpected(bound.error());
  }
  if (::connect(made.get(), target->raw(), target->size) != 0 && errno != EINPROGRESS) {
    if (target->family() == AF_UNIX && errno == EAGAIN)
      return fail(Errc::refused, "connecting to " + to.to_string() + " failed: too many wait there already");
    return std::unexpected(errno_error(errno, "connecting to " + to.to_string() + " failed"));
  }
  return made.release();
}

Task<Result<Stream>> connect_to(boost::asio::any_io_executor executor, Wheel& wheel, Endpoint to, std::string from,
                                std::chrono::steady_clock::time_point deadline) {
  auto begun = begin(to, from);
  if (!begun) co_return std::unexpected(std::move(begun.error()));
  Stream stream(std::move(executor), *begun, wheel);
  stream.set_deadline(deadline);
  auto& inside = StreamAccess::impl(stream);
  if (auto ready = co_await inside.wait(Attempt::Kind::want_write); !ready) {
    ready.error().message = "connecting to " + to.to_string() + " failed: " + ready.error().message;
    co_return std::unexpected(std::move(ready.error()));
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(inside.socket.descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) co_return std::unexpected(errno_error(error, "connecting to " + to.to_string() + " failed"));
  co_return std::move(stream);
}

} // namespace

Task<Result<Stream>> connect_tcp(boost::asio::any_io_executor executor, Wheel& wheel, Endpoint to, std::string from,
                                 std::chrono::steady_clock::time_point deadline) {
  if (to.is_local()) co_return fail(Errc::invalid, "\"" + to.address + "\" is not an IP address");
  co_return co_await connect_to(std::move(executor), wheel, std::move(to), std::move(from), deadline);
}

Task<Result<Stream>> connect_local(boost::asio::any_io_executor executor, Wheel& wheel, std::string path,
                                   std::chrono::steady_clock::time_point deadline) {
  Endpoint to;
  to.address = std::move(path);
  std::string from;
  if (!to.is_local()) co_return fail(Errc::invalid, "the path of a local socket begins with /");
  co_return co_await connect_to(std::move(executor), wheel, std::move(to), std::move(from), deadline);
}

} // namespace paquebot::net
