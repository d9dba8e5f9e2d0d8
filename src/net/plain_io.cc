#include "net/socket_address.h"
#include "net/stream_impl.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace paquebot::net {

namespace {

constexpr std::size_t kCommandSized = 16384; // octets: less is a command, a few in a row, or a small message whole

bool not_ready() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/// Throws away what has come in and was not read, up to a bound. Into a buffer of its own: somebody may still look at
/// what was read last.
void drain(int descriptor) {
  constexpr int kRounds = 8;
  PooledBuffer scratch;
  for (int i = 0; i < kRounds; ++i)
    if (::recv(descriptor, scratch.take(), kReadBufferSize, MSG_DONTWAIT) <= 0) return;
}

} // namespace

/// On a local socket descriptors that are sent along end a read as well.
bool Stream::Impl::is_tcp(int descriptor) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  return domain == AF_INET || domain == AF_INET6;
}

Attempt Stream::Impl::try_read() {
  char* into = buffer.take();
  return ssl != nullptr ? try_read_tls(into) : try_read_plain(into);
}

Attempt Stream::Impl::try_read_plain(char* into, std::size_t most) {
  Poller::clear(registration, Poller::readable);
  const auto got = ::recv(socket.descriptor, into, most, 0);
  if (got > 0) {
    // Of a large message more comes soon; and at the mark of urgent data a read ends early (tcp(7)), whatever is
    // behind.
    const bool is_short = static_cast<std::size_t>(got) < std::min(most, kCommandSized);
    drained = is_short && short_means_empty && !Poller::urgent(registration);
    return {Attempt::Kind::done, static_cast<std::size_t>(got)};
  }
  if (got == 0) {
    socket.at_end = true;
    return {Attempt::Kind::end};
  }
  if (not_ready()) return {Attempt::Kind::want_read};
  failure = std::make_unique<Error>(errno_error(errno, "reading from the connection failed"));
  return {Attempt::Kind::failed};
}

Attempt Stream::Impl::try_write(std::string_view bytes) {
  Poller::clear(registration, Poller::writable);
  if (ssl != nullptr) return try_write_tls(bytes);
  const auto sent = ::send(socket.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return {Attempt::Kind::done, static_cast<std::size_t>(sent)};
  if (not_ready()) return {Attempt::Kind::want_write};
  failure = std::make_unique<Error>(errno_error(errno, "writing to the connection failed"));
  return {Attempt::Kind::failed};
}

void Stream::Impl::shut() {
  Wheel::remove(*this);
  if (!closed) {
    closed = true;
    if (encrypted && !tls_broken) SSL_shutdown(ssl);
    if (!socket.at_end && ::shutdown(socket.descriptor, SHUT_WR) == 0) drain(socket.descriptor);
    poller.remove(registration);
    ::close(socket.descriptor);
    socket.descriptor = -1;
  }
  SSL_free(ssl);
  ssl = nullptr;
}

} // namespace paquebot::net
