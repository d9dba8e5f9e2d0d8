#include "dns/ask.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/timer.h"
#include "dns/wire.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

namespace paquebot::dns {

namespace {

using boost::system::error_code;
constexpr auto kToken = boost::asio::as_tuple(boost::asio::use_awaitable);

/// The sockets of one question. The timer ends what waits on them; shared, since its last call may come after the end.
struct Wire : std::enable_shared_from_this<Wire> {
  explicit Wire(const boost::asio::any_io_executor& executor) : udp(executor), tcp(executor), timer(executor) {}

  void limit(Instant until) {
    over = false;
    timer.expires_at(until);
    timer.async_wait([self = shared_from_this()](error_code error) {
      if (error) return;
      self->over = true;
      error_code ignored;
      self->udp.cancel(ignored);
      self->tcp.close(ignored);
    });
  }
  void close() {
    error_code ignored;
    timer.cancel();
    udp.close(ignored);
    tcp.close(ignored);
  }

  boost::asio::ip::udp::socket udp;
  boost::asio::ip::tcp::socket tcp;
  Timer timer;
  bool over = false;
};

Error error_of(const error_code& code) {
  namespace error = boost::asio::error;
  Errc kind = Errc::io;
  if (code == error::connection_refused) kind = Errc::refused;
  if (code == error::no_descriptors || code == error::no_buffer_space || code == error::no_memory ||
      code == boost::system::errc::too_many_files_open_in_system)
    kind = Errc::temporary;
  return Error{kind, code.message()};
}

Error too_late() { return Error{Errc::timeout, "no reply came"}; }

/// One datagram and the wait for its reply; what is no reply to it is passed over.
Task<Result<Reply>> try_udp(std::shared_ptr<Wire> wire, boost::asio::ip::udp::endpoint server, Packet packet,
                            Instant until) {
  const std::string query = compose_query(packet);
  error_code error;
  if (!wire->udp.is_open()) {
    wire->udp.open(server.protocol(), error);
    if (!error) wire->udp.connect(server, error);
    if (error) co_return std::unexpected(error_of(error));
  }
  wire->limit(until);
  wire->udp.send(boost::asio::buffer(query), 0, error);
  char octets[4096];
  const boost::asio::mutable_buffer room(octets, sizeof octets);
  while (!error) {
    const auto [failed, size] = co_await wire->udp.async_receive(room, kToken);
    if (wire->over) co_return std::unexpected(too_late());
    error = failed;
    if (error) break;
    if (auto reply = parse_reply({octets, size}, packet)) co_return std::move(*reply);
  }
  co_return std::unexpected(error_of(error));
}

/// The same over TCP (RFC 7766).
Task<Result<Reply>> try_tcp(std::shared_ptr<Wire> wire, boost::asio::ip::tcp::endpoint server, Packet packet,
                            Instant until) {
  const std::string query = compose_query(packet);
  std::string octets{static_cast<char>(query.size() >> 8), static_cast<char>(query.size() & 0xff)};
  octets += query;
  error_code error;
  wire->tcp.open(server.protocol(), error);
  if (error) co_return std::unexpected(error_of(error));
  wire->limit(until);
  const auto [refused] = co_await wire->tcp.async_connect(server, kToken);
  error = refused;
  std::size_t size = 0;
  if (!error) {
    const auto out = boost::asio::buffer(octets);
    const auto [failed, written] = co_await boost::asio::async_write(wire->tcp, out, kToken);
    error = failed;
  }
  unsigned char length[2] = {};
  if (!error) {
    const auto in = boost::asio::buffer(length);
    const auto [failed, read] = co_await boost::asio::async_read(wire->tcp, in, kToken);
    error = failed;
    size = std::size_t{length[0]} * 256 + length[1];
  }
  octets.resize(size);
  if (!error) {
    const auto in = boost::asio::buffer(octets);
    const auto [failed, read] = co_await boost::asio::async_read(wire->tcp, in, kToken);
    error = failed;
  }
  if (wire->over) co_return std::unexpected(too_late());
  if (error) co_return std::unexpected(error_of(error));
  if (auto reply = parse_reply(octets, packet)) co_return std::move(*reply);
  co_return fail(Errc::io, "what came over TCP is no reply");
}

} // namespace

Task<Result<Reply>> ask_directly(DirectQuestion question, std::chrono::milliseconds time) {
  error_code bad;
  const auto address = boost::asio::ip::make_address(question.server.address, bad);
  if (bad || (question.name != "." && !is_query_name(question.name)))
    co_return fail(Errc::invalid, "nothing that can be asked");
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto wire = std::make_shared<Wire>(executor);
  const boost::asio::ip::udp::endpoint udp(address, question.server.port);
  const boost::asio::ip::tcp::endpoint tcp(address, question.server.port);
  Packet packet{.name = question.name, .type = question.type, .edns = question.edns, .dnssec = question.dnssec};
  const std::string random = random_bytes(sizeof packet.id);
  std::memcpy(&packet.id, random.data(), sizeof packet.id);
  const Instant now = system_clock().now();
  Result<Reply> reply = std::unexpected(too_late());
  for (int half = 1; half <= 2 && !reply && reply.error().code == Errc::timeout; ++half) {
    const Instant until = now + time * half / 2;
    reply = co_await try_udp(wire, udp, packet, until);
  }
  if (reply && reply->truncated) {
    const Instant until = now + time;
    auto whole = co_await try_tcp(wire, tcp, packet, until);
    if (whole) reply = std::move(whole);
  }
  wire->close();
  co_return reply;
}

} // namespace paquebot::dns
