#include "net/socket_address.h"
#include "net/stream_impl.h"
#include "net/tls.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <csignal>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace paquebot::net {

void ignore_sigpipe() { std::signal(SIGPIPE, SIG_IGN); }

Stream::Impl::Impl(const boost::asio::any_io_executor& executor, int fd, Wheel& in)
    : poller(Poller::of(executor)), socket{fd}, wheel(&in), short_means_empty(is_tcp(fd)) {
  const int error = poller.add(registration, fd);
  if (error == 0) return;
  ::close(fd);
  socket.descriptor = -1;
  closed = true;
  failure = std::make_unique<Error>(errno_error(error, "the connection could not be watched"));
}

void Stream::Impl::on_expired() {
  expired = true;
  poller.cancel(registration);
}

std::optional<Error> Stream::Impl::barred() const {
  if (closed) return failure ? *failure : Error{Errc::closed, "the connection is closed"};
  if (expired) return Error{Errc::timeout, "the time allowed has passed"};
  return std::nullopt;
}

Task<Result<>> Stream::Impl::wait(Attempt::Kind kind) {
  immediate = 0;
  if (auto why = barred()) co_return std::unexpected(std::move(*why));
  const Poller::Wanted what = Impl::wanted(kind);
  if (Poller::take(registration, what)) co_return Result<>{};
  const Poller::Wait initiate{poller, registration, what};
  const boost::asio::use_awaitable_t<> token;
  // What ended it does not matter: after a cancel barred() tells why, after an error the next attempt meets it.
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate, token);
  if (auto why = barred()) co_return std::unexpected(std::move(*why));
  co_return Result<>{};
}

Task<void> Stream::Impl::pause() {
  immediate = 0;
  co_await boost::asio::post(boost::asio::use_awaitable);
}

Stream::Stream(boost::asio::any_io_executor executor, int descriptor, Wheel& wheel)
    : impl_(std::make_unique<Impl>(executor, descriptor, wheel)) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

bool Stream::has_input() const {
  char octet = 0;
  return !impl_->closed && ::recv(impl_->socket.descriptor, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void Stream::set_deadline(std::chrono::steady_clock::time_point when) {
  if (impl_->closed) return;
  impl_->expired = false;
  impl_->wheel->set(*impl_, when);
}

void Stream::interrupt() {
  if (!impl_->closed) impl_->on_expired();
}

bool Stream::timed_out() const { return impl_->expired; }

Task<Result<std::string_view>> Stream::read() {
  Impl& self = *impl_;
  if (self.pause_due()) co_await self.pause();
  for (;;) {
    if (auto why = self.barred()) co_return std::unexpected(std::move(*why));
    Attempt got{Attempt::Kind::want_read};
    if (!std::exchange(self.drained, false)) got = self.try_read();
    if (got.kind == Attempt::Kind::done) co_return std::string_view(self.buffer.take(), got.size);
    self.buffer.give_back();
    if (got.kind == Attempt::Kind::end) co_return std::string_view();
    if (got.kind == Attempt::Kind::failed) co_return std::unexpected(*self.failure);
    // As in wait(), whose frame an idle connection need not hold as well.
    self.immediate = 0;
    const Poller::Wanted what = Impl::wanted(got.kind);
    if (Poller::take(self.registration, what)) continue;
    const Poller::Wait initiate{self.poller, self.registration, what};
    const boost::asio::use_awaitable_t<> token;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate, token);
  }
}

Task<Result<std::string_view>> Stream::read_at_most(std::size_t most) {
  Impl& self = *impl_;
  assert(self.ssl == nullptr && most > 0);
  for (;;) {
    if (auto why = self.barred()) co_return std::unexpected(std::move(*why));
    const Attempt got = self.try_read_plain(self.buffer.take(), std::min(most, kReadBufferSize));
    if (got.kind == Attempt::Kind::done) co_return std::string_view(self.buffer.take(), got.size);
    self.buffer.give_back();
    if (got.kind == Attempt::Kind::end) co_return std::string_view();
    if (got.kind == Attempt::Kind::failed) co_return std::unexpected(*self.failure);
    if (auto ready = co_await self.wait(got.kind); !ready) co_return std::unexpected(std::move(ready.error()));
  }
}

void Stream::release_buffer() { impl_->buffer.give_back(); }

std::size_t Stream::write_now(std::string_view bytes) {
  Impl& self = *impl_;
  if (bytes.empty() || self.barred() || self.pause_due()) return 0;
  const Attempt sent = self.try_write(bytes);
  return sent.kind == Attempt::Kind::done ? sent.size : 0;
}

Task<Result<>> Stream::write(std::string_view bytes) {
  Impl& self = *impl_;
  while (!bytes.empty()) {
    if (self.pause_due()) co_await self.pause();
    if (auto why = self.barred()) co_return std::unexpected(std::move(*why));
    const Attempt sent = self.try_write(bytes);
    if (sent.kind == Attempt::Kind::done) {
      bytes.remove_prefix(sent.size);
      continue;
    }
    if (!sent.must_wait()) co_return std::unexpected(*self.failure);
    if (auto ready = co_await self.wait(sent.kind); !ready) co_return std::unexpected(std::move(ready.error()));
  }
  co_return Result<>{};
}

bool Stream::encrypted() const { return impl_->encrypted; }

void Stream::end_output() {
  Impl& self = *impl_;
  if (self.closed) return;
  if (self.encrypted && !self.tls_broken && (SSL_get_shutdown(self.ssl) & SSL_SENT_SHUTDOWN) == 0)
    SSL_shutdown(self.ssl);
  ::shutdown(self.socket.descriptor, SHUT_WR);
}

void Stream::close() { impl_->shut(); }

void Stream::set_ends(Endpoint local, Endpoint remote) {
  impl_->ends = std::make_unique<Impl::Ends>(std::move(local), std::move(remote));
}

Endpoint Stream::local() const {
  if (impl_->ends) return impl_->ends->local;
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(impl_->socket.descriptor, address.raw(), &address.size) != 0) return {};
  return from_socket_address(address);
}

Endpoint Stream::remote() const {
  if (impl_->ends) return impl_->ends->remote;
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getpeername(impl_->socket.descriptor, address.raw(), &address.size) != 0) return {};
  return from_socket_address(address);
}

long Stream::peer_uid() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(impl_->socket.descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
  return peer.uid == static_cast<uid_t>(-1) ? -1 : static_cast<long>(peer.uid);
}

} // namespace paquebot::net
