#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace paquebot::service {

/// Bounds of connections at the same time.
struct GateLimits {
  unsigned total = 5000;
  unsigned per_address = 200; ///< of IPv6 a /64, which is what one subscriber has; a /48 may have four times as many
};

/// Who comes: whoever has a reason to be let in before others finds room that these have left.
enum class Guest : std::uint8_t {
  stranger, ///< to the listeners for other servers: four fifths of all connections
  user,     ///< to those for own users: nine tenths
  known,    ///< likewise, from where somebody logged in lately: all
};

/// Counts open connections in total, and for each peer address and its network. Thread-safe.
class Gate {
public:
  enum class Verdict { welcome, full, too_many };
  Verdict enter(const std::string& address, const GateLimits& limits, Guest guest = Guest::known);
  void leave(const std::string& address);
  unsigned total() const;
  /// How many connections there may be in all when one for such a guest is let in.
  static unsigned most(const GateLimits& limits, Guest guest);
  /// Whether it depends on the guest if one more is let in.
  bool in_reserve(const GateLimits& limits) const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, unsigned> counts_; ///< by address, and of IPv6 by /48
  unsigned total_ = 0;
};

} // namespace paquebot::service
