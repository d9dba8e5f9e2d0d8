#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace paquebot::policy {

/// How sure it is that whom a report would go to sent the message that it is about. Each has bounds of its own, so that
/// forged mail takes nothing away from who sends for himself.
enum class Trust : std::uint8_t {
  forged,  ///< SPF says that it was somebody else
  unknown, ///< nobody says anything
  vouched, ///< the domain of its return path says so (SPF or DKIM)
};

/// How often others are written to about mail that came in their name: to one address 20 times an hour, and to one
/// domain that has not taken anything lately 100 times; a tenth of that where SPF failed. Strangers name whom they
/// like. What stands behind a "+" in a local part makes no other address. In memory, bounded. Use from one executor, or
/// guard it by a lock.
class ReportBounds {
public:
  enum class Answer : std::uint8_t {
    go,    ///< it is counted
    wait,  ///< later in the hour or the next: only what is vouched for, and only so many for an address
    enough ///< never
  };
  explicit ReportBounds(std::size_t most = 10'000) : most_(most) {}

  /// Whether one more report may go to the address now. `known`: its domain took mail lately. `waiting`: this one waits
  /// already.
  Answer ask(std::string_view address, Trust trust, bool known, bool waiting, Instant now);
  std::size_t size() const { return counts_.size(); }

private:
  struct Count {
    Instant since{};
    unsigned reports = 0;
    unsigned put_off = 0; ///< that were told to wait
  };
  Count& get(const std::string& key, Instant now);
  Answer beyond(Count& count, Trust trust, bool waiting);

  std::size_t most_;
  std::map<std::string, Count> counts_; ///< by trust and address, and by trust and "@domain"
};

} // namespace paquebot::policy
