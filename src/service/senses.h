#pragma once

#include "base/result.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "doctor/world.h"
#include "net/endpoint.h"

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::net {
class Wheel;
}

/// How the doctor reaches out: sockets, and what the system says.
namespace paquebot::service {

/// With what a connection is made.
struct Senses {
  std::shared_ptr<dns::Resolver> resolver; ///< null: no names can be looked up
  std::string source_ipv4, source_ipv6;    ///< local addresses; "": the system chooses
  /// The wheel of the executor that a coroutine runs on; called there. Null: there is none, nothing can be reached.
  std::function<net::Wheel*(const boost::asio::any_io_executor& executor)> wheel_of;
};

/// Gives a world its functions that reach out, and what the system says of disk and addresses.
void give_senses(doctor::World& world, Senses senses, const std::string& data_directory);

/// The first line that a server says; a polite end. Within `most`.
Task<Result<std::string>> hear_greeting(Senses senses, net::Endpoint to, std::chrono::milliseconds most);
/// Whether anything listens at "unix:/path" or "inet:host:port".
Task<Result<>> reach_place(Senses senses, std::string place, std::chrono::milliseconds most);
/// How much the wall clock is ahead of a server of NTP (RFC 5905), as one question shows it; within two seconds.
Task<Result<std::chrono::milliseconds>> ask_time(net::Endpoint server);
Task<Result<std::string>> fetch_page(Senses senses, std::string host, std::string path);
/// From which addresses connections to the outside come; nothing is sent.
std::vector<std::string> sending_addresses(const std::string& source_ipv4, const std::string& source_ipv6);

/// A client's question of NTP, whose transmit time is `id`.
std::string compose_time_question(std::uint64_t id);
/// What a reply to it says: milliseconds since 1970 when it was sent; `invalid` for what is no reply to that question,
/// or says that it does not know the time.
Result<std::int64_t> read_time_reply(std::string_view packet, std::uint64_t id);

} // namespace paquebot::service
