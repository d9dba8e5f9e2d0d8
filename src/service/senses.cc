#include "service/senses.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "base/timer.h"
#include "filter/filter.h"
#include "net/http_client.h"
#include "net/own_addresses.h"
#include "net/stream.h"
#include "net/wheel.h"

#include <arpa/inet.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace paquebot::service {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kMostGreeting = 1024;
constexpr milliseconds kTimeWithin{2000};
constexpr std::size_t kTimePacket = 48;
constexpr std::size_t kTransmit = 40; ///< where it has its transmit time, and kOriginate ours again
constexpr std::size_t kOriginate = 24;
constexpr std::int64_t kEpoch1900 = 2'208'988'800; ///< seconds from 1900 to 1970

std::unexpected<Error> nothing_to_reach_with() { return fail(Errc::temporary, "nothing can be reached from here"); }

std::uint64_t read_u64(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char one : octets.substr(0, 8)) value = value << 8 | static_cast<unsigned char>(one);
  return value;
}

/// The first address of a host for programs beside the server; itself when it is one.
Task<Result<std::string>> first_address(std::shared_ptr<dns::Resolver> resolver, std::string host) {
  if (net::is_ip_address(host)) co_return host;
  if (host == "localhost") co_return std::string("127.0.0.1");
  if (!resolver) co_return fail(Errc::not_found, "no names can be looked up");
  dns::Resolver& zone = *resolver;
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
    std::string name = host;
    const auto answer = co_await zone.query(std::move(name), type);
    if (!answer->records.empty()) co_return answer->records.front().text;
  }
  co_return fail(Errc::not_found, printable(host, 260) + " has no address");
}

/// A UDP socket whose wait a timer ends.
struct TimeWire : std::enable_shared_from_this<TimeWire> {
  explicit TimeWire(const boost::asio::any_io_executor& executor) : socket(executor), timer(executor) {}
  void limit(milliseconds most) {
    timer.expires_after(most);
    timer.async_wait([self = shared_from_this()](error_code error) {
      error_code ignored;
      if (!error) self->socket.cancel(ignored);
    });
  }
  boost::asio::ip::udp::socket socket;
  Timer timer;
};

void add_source(std::vector<std::string>& list, int family, const char* somewhere) {
  const int socket = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  sockaddr_storage address{};
  socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  address.ss_family = static_cast<sa_family_t>(family);
  auto* const four = reinterpret_cast<sockaddr_in*>(&address);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&address);
  void* const octets = family == AF_INET ? static_cast<void*>(&four->sin_addr) : static_cast<void*>(&six->sin6_addr);
  ::inet_pton(family, somewhere, octets);
  (family == AF_INET ? four->sin_port : six->sin6_port) = htons(9);
  char text[INET6_ADDRSTRLEN] = {};
  const bool known = ::connect(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
                     ::inet_ntop(family, octets, text, sizeof text) != nullptr;
  ::close(socket);
  if (known) list.emplace_back(text);
}

} // namespace

Task<Result<std::string>> hear_greeting(Senses senses, net::Endpoint to, milliseconds most) {
  const auto executor = co_await boost::asio::this_coro::executor;
  net::Wheel* const wheel = senses.wheel_of ? senses.wheel_of(executor) : nullptr;
  if (wheel == nullptr) co_return nothing_to_reach_with();
  const auto until = system_clock().now() + most;
  std::string from = to.address.find(':') == std::string::npos ? senses.source_ipv4 : senses.source_ipv6;
  auto opened = co_await net::connect_tcp(executor, *wheel, std::move(to), std::move(from), until);
  if (!opened) co_return std::unexpected(opened.error());
  net::Stream stream = std::move(*opened);
  stream.set_deadline(until);
  std::string said;
  while (said.find('\n') == std::string::npos && said.size() < kMostGreeting) {
    const auto more = co_await stream.read();
    if (!more) co_return std::unexpected(more.error());
    if (more->empty()) co_return fail(Errc::closed, "it closed the connection without a word");
    said.append(more->substr(0, kMostGreeting));
  }
  stream.write_now("QUIT\r\n");
  stream.close();
  co_return std::string(trim(std::string_view(said).substr(0, said.find('\n'))));
}

Task<Result<>> reach_place(Senses senses, std::string place, milliseconds most) {
  const auto executor = co_await boost::asio::this_coro::executor;
  net::Wheel* const wheel = senses.wheel_of ? senses.wheel_of(executor) : nullptr;
  if (wheel == nullptr) co_return nothing_to_reach_with();
  const auto parsed = filter::parse_place(place);
  if (!parsed) co_return std::unexpected(parsed.error());
  const auto until = system_clock().now() + most;
  if (!parsed->path.empty()) {
    std::string path = parsed->path;
    const auto opened = co_await net::connect_local(executor, *wheel, std::move(path), until);
    if (!opened) co_return std::unexpected(opened.error());
    co_return Result<>{};
  }
  std::string host = parsed->host, any;
  auto address = co_await first_address(senses.resolver, std::move(host));
  if (!address) co_return std::unexpected(address.error());
  net::Endpoint end{std::move(*address), parsed->port};
  const auto opened = co_await net::connect_tcp(executor, *wheel, std::move(end), std::move(any), until);
  if (!opened) co_return std::unexpected(opened.error());
  co_return Result<>{};
}

std::string compose_time_question(std::uint64_t id) {
  std::string packet(kTimePacket, '\0');
  packet[0] = 0x23; // version 4, client (RFC 5905 section 7.3)
  for (std::size_t i = 0; i < 8; ++i) packet[kTransmit + i] = static_cast<char>(id >> (8 * (7 - i)));
  return packet;
}

Result<std::int64_t> read_time_reply(std::string_view packet, std::uint64_t id) {
  if (packet.size() < kTimePacket) return fail(Errc::invalid, "too short for a reply of NTP");
  const auto head = static_cast<unsigned char>(packet[0]);
  if ((head & 7) != 4 || read_u64(packet.substr(kOriginate)) != id)
    return fail(Errc::invalid, "no reply to our question");
  const auto stratum = static_cast<unsigned char>(packet[1]);
  if (head >> 6 == 3 || stratum == 0 || stratum > 15)
    return fail(Errc::invalid, "the server does not know the time itself");
  const std::uint64_t sent = read_u64(packet.substr(kTransmit));
  const auto seconds = static_cast<std::int64_t>(sent >> 32);
  const auto part = static_cast<std::int64_t>((sent & 0xffffffffu) * 1000 >> 32);
  // RFC 4330 section 3: without the first bit it is of the era that began in 2036.
  const std::int64_t era = (seconds & 0x80000000) != 0 ? 0 : std::int64_t{1} << 32;
  return (seconds + era - kEpoch1900) * 1000 + part;
}

Task<Result<milliseconds>> ask_time(net::Endpoint server) {
  error_code error;
  const auto address = boost::asio::ip::make_address(server.address, error);
  if (error) co_return fail(Errc::invalid, "no address");
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto question = std::make_shared<TimeWire>(executor);
  const boost::asio::ip::udp::endpoint end(address, server.port);
  question->socket.open(end.protocol(), error);
  if (!error) question->socket.connect(end, error);
  const std::uint64_t id = read_u64(random_bytes(8));
  const std::string packet = compose_time_question(id);
  const Instant begun = system_clock().now();
  if (!error) question->socket.send(boost::asio::buffer(packet), 0, error);
  if (error) co_return fail(Errc::io, error.message());
  question->limit(kTimeWithin);
  char octets[512];
  const auto room = boost::asio::buffer(octets);
  constexpr auto kToken = boost::asio::as_tuple(boost::asio::use_awaitable);
  const auto [failed, size] = co_await question->socket.async_receive(room, kToken);
  const auto took = std::chrono::duration_cast<milliseconds>(system_clock().now() - begun);
  question->timer.cancel();
  if (failed) co_return fail(Errc::timeout, "no reply came");
  const auto told = read_time_reply({octets, size}, id);
  if (!told) co_return std::unexpected(told.error());
  co_return milliseconds(millis(system_clock().wall()) - took.count() / 2 - *told);
}

namespace {

/// As HttpClient asks for it.
Task<Result<std::vector<std::string>>> look_up(std::shared_ptr<dns::Resolver> resolver, std::string host) {
  std::vector<std::string> list;
  if (!resolver) co_return list;
  dns::Resolver& zone = *resolver;
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
    std::string name = host;
    const auto answer = co_await zone.query(std::move(name), type);
    for (const dns::Record& record : answer->records)
      if (list.size() < 8) list.push_back(record.text);
  }
  co_return list;
}

} // namespace

Task<Result<std::string>> fetch_page(Senses senses, std::string host, std::string path) {
  const auto executor = co_await boost::asio::this_coro::executor;
  net::Wheel* const wheel = senses.wheel_of ? senses.wheel_of(executor) : nullptr;
  if (wheel == nullptr) co_return nothing_to_reach_with();
  net::HttpClientOptions options;
  options.connect_timeout = milliseconds(8000);
  options.timeout = milliseconds(15'000);
  options.answer.max_content = 64u << 10;
  const auto resolver = senses.resolver;
  net::HttpClient client(
      executor, *wheel, [resolver](std::string name) { return look_up(resolver, std::move(name)); }, options);
  net::HttpRequest request;
  request.url = "https://" + host + path;
  const auto reply = co_await client.send(std::move(request));
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->status != 200) co_return fail(Errc::invalid, "the answer is " + std::to_string(reply->status));
  co_return reply->content;
}

std::vector<std::string> sending_addresses(const std::string& source_ipv4, const std::string& source_ipv6) {
  std::vector<std::string> list;
  if (source_ipv4.empty())
    add_source(list, AF_INET, "198.41.0.4"); // where anything out there would be: a root of the DNS
  else
    list.push_back(source_ipv4);
  if (source_ipv6.empty())
    add_source(list, AF_INET6, "2001:503:ba3e::2:30");
  else
    list.push_back(source_ipv6);
  return list;
}

void give_senses(doctor::World& world, Senses senses, const std::string& data_directory) {
  world.machine.sources = sending_addresses(senses.source_ipv4, senses.source_ipv6);
  world.machine.is_own = net::is_own_address;
  struct statvfs disk{};
  if (::statvfs(data_directory.c_str(), &disk) == 0)
    world.machine.disk = doctor::DiskFacts{.free = std::uint64_t{disk.f_bavail} * disk.f_frsize,
                                           .size = std::uint64_t{disk.f_blocks} * disk.f_frsize,
                                           .free_inodes = disk.f_favail,
                                           .all_inodes = disk.f_files};
  world.greet = [senses](net::Endpoint to, milliseconds most) { return hear_greeting(senses, std::move(to), most); };
  world.reach = [senses](std::string place, milliseconds most) { return reach_place(senses, std::move(place), most); };
  world.clock_error = [](net::Endpoint server) { return ask_time(std::move(server)); };
  world.fetch = [senses](std::string host, std::string path) {
    return fetch_page(senses, std::move(host), std::move(path));
  };
}

} // namespace paquebot::service
