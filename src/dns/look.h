#pragma once

#include "base/task.h"
#include "net/endpoint.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::dns {

/// What a resolver does with DNSSEC signatures, as a question of ours showed it.
enum class Signatures : std::uint8_t {
  unknown,  ///< not looked at yet
  silent,   ///< it does not answer, or not whole
  failing,  ///< it answers that it can't answer, to everything: it is cut off, or doesn't believe what it gets
  stripped, ///< it answers, without signatures
  passed,   ///< it hands them on
};

/// A resolver that was looked at.
struct Seen {
  net::Endpoint server;
  Signatures signatures = Signatures::unknown;
  bool validates = false; ///< it checks signatures itself, and says so
};

/// Asks the server for the keys of these zones, with signatures, until one of them comes with a signature. Takes some
/// multiples of `time` when it is silent. Nothing that it finds is proof of anything: see Upstream for what follows
/// from it.
Task<Seen> look_at(net::Endpoint server, std::vector<std::string> zones, std::chrono::milliseconds time);

/// Whether a resolver answers, asked for a name that can't exist.
enum class Alive : std::uint8_t {
  no,      ///< silent, unreachable, failing, or there is no socket to ask it with
  somehow, ///< it says something else, such as that it refuses
  answers, ///< it says that there is no such name, or what it is
};
Task<Alive> look_whether_alive(net::Endpoint server, std::chrono::milliseconds time);

/// A name that does not exist (RFC 6761 section 6.4) and that nobody has asked for before.
std::string fresh_name();

} // namespace paquebot::dns
