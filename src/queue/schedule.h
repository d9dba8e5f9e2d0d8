#pragma once

#include <chrono>
#include <cstdint>

namespace paquebot::queue {

/// When to try again and when to give up (RFC 5321 section 4.5.4.1 asks for 30 minutes between attempts after the first
/// few, and at least 4 to 5 days of them).
struct Schedule {
  std::chrono::seconds first{300};             ///< after the first failed attempt
  std::chrono::seconds most{4 * 3600};         ///< the intervals double up to this
  std::chrono::seconds lifetime{5 * 86400};    ///< then the message is returned
  std::chrono::seconds delay_notice{4 * 3600}; ///< after this long the sender is told that it still waits; 0: never
};

/// The wait before attempt `attempts + 1`: first, 2*first, 4*first … up to `most`, each moved by up to a tenth either
/// way. `random` is any 32 random bits. With first = 300 s: about 5, 10, 20, 40, 80, 160, 240, 240 … minutes.
std::chrono::milliseconds retry_after(const Schedule& schedule, std::uint32_t attempts, std::uint32_t random);

/// When a recipient that fails now is due again (wall milliseconds): the same wait, moved so that all recipients of one
/// message for one destination (`seed`) that fail about the same time are due at the same moment, and are tried and
/// told of together.
std::int64_t retry_at(const Schedule& schedule, std::uint32_t attempts, std::uint32_t seed, std::int64_t now);

} // namespace paquebot::queue
