#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::cli {

/// What `paquebot sink` was told. Addresses are "PORT" (of this machine's own addresses), "ADDRESS:PORT" or
/// "unix:PATH".
struct SinkOptions {
  std::vector<std::string> smtp, http, pop3; ///< without one: the usual port; "none": not at all
  std::vector<std::string> hosts;            ///< names under which the page may be asked
  std::string faults;                        ///< a file of them; empty: none
  std::optional<std::uint64_t> seed;         ///< of what happens by chance
  std::uint64_t memory = 256ull << 20;       ///< octets for all messages
  std::ostream* out = nullptr;               ///< where it says that it is ready
  bool json = false;                         ///< as JSON
};

} // namespace paquebot::cli
