#include "base/clock.h"
#include "base/random.h"
#include "base/timer.h"
#include "dns/ask.h"
#include "dns/update.h"
#include "dns/wire.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

namespace paquebot::dns {
namespace {

using boost::system::error_code;
constexpr auto kUpdateToken = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr int kMostLabels = 20;

/// The socket of one update. The timer ends what waits on it; shared, since its last call may come after the end.
struct UpdateWire : std::enable_shared_from_this<UpdateWire> {
  explicit UpdateWire(const boost::asio::any_io_executor& executor) : tcp(executor), timer(executor) {}
  void limit(Instant until) {
    timer.expires_at(until);
    timer.async_wait([self = shared_from_this()](error_code error) {
      if (error) return;
      self->over = true;
      error_code ignored;
      self->tcp.close(ignored);
    });
  }
  void close() {
    error_code ignored;
    timer.cancel();
    tcp.close(ignored);
  }
  boost::asio::ip::tcp::socket tcp;
  Timer timer;
  bool over = false;
};

std::int64_t unix_seconds() { return millis(system_clock().wall()) / 1000; }

Task<Result<std::string>> exchange_messages(std::shared_ptr<UpdateWire> wire, boost::asio::ip::tcp::endpoint server,
                                            std::string message) {
  std::string octets{static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)};
  octets += message;
  const auto [refused] = co_await wire->tcp.async_connect(server, kUpdateToken);
  error_code error = refused;
  if (!error) {
    const auto out = boost::asio::buffer(octets);
    const auto [failed, written] = co_await boost::asio::async_write(wire->tcp, out, kUpdateToken);
    error = failed;
  }
  unsigned char length[2] = {};
  if (!error) {
    const auto in = boost::asio::buffer(length);
    const auto [failed, read] = co_await boost::asio::async_read(wire->tcp, in, kUpdateToken);
    error = failed;
  }
  std::string reply(std::size_t{length[0]} * 256 + length[1], '\0');
  if (!error) {
    const auto in = boost::asio::buffer(reply);
    const auto [failed, read] = co_await boost::asio::async_read(wire->tcp, in, kUpdateToken);
    error = failed;
  }
  if (wire->over) co_return fail(Errc::timeout, "the name server does not answer");
  if (error) co_return fail(Errc::io, "the name server can't be asked: " + error.message());
  co_return reply;
}

} // namespace

Task<Result<std::string>> find_zone(net::Endpoint server, std::string name, std::chrono::milliseconds time) {
  Error last{Errc::not_found, "the name server has no zone for " + name};
  for (int i = 0; i < kMostLabels && is_query_name(name); ++i) {
    DirectQuestion question{.server = server, .name = name, .type = kTypeSoa, .edns = true, .dnssec = false};
    const auto reply = co_await ask_directly(std::move(question), time);
    if (!reply) last = reply.error();
    if (!reply && (reply.error().code == Errc::timeout || reply.error().code == Errc::refused)) break;
    if (reply && std::ranges::any_of(reply->answers, [](const ReplyRecord& one) { return one.type == kTypeSoa; }))
      co_return name;
    const auto dot = name.find('.');
    if (dot == std::string::npos) break;
    name.erase(0, dot + 1);
  }
  co_return std::unexpected(std::move(last));
}

Task<Result<>> send_update(net::Endpoint server, TextChange change, TsigKey key, std::chrono::milliseconds time) {
  std::uint16_t id = 0;
  const std::string random = random_bytes(sizeof id);
  std::memcpy(&id, random.data(), sizeof id);
  const auto update = compose_update(change, key, id, unix_seconds());
  if (!update) co_return std::unexpected(update.error());
  error_code bad;
  const auto address = boost::asio::ip::make_address(server.address, bad);
  if (bad) co_return fail(Errc::invalid, "the name server must be given by its address");
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto wire = std::make_shared<UpdateWire>(executor);
  const boost::asio::ip::tcp::endpoint target(address, server.port);
  wire->limit(system_clock().now() + time);
  std::string octets = update->octets;
  const auto reply = co_await exchange_messages(wire, target, std::move(octets));
  wire->close();
  if (!reply) co_return std::unexpected(reply.error());
  co_return check_update_reply(*reply, *update, key, unix_seconds());
}

} // namespace paquebot::dns
