#pragma once

#include "base/clock.h"

#include <array>
#include <compare>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot {

/// A 128-bit id that sorts by the time of its making: 48 bits of milliseconds, 80 random bits.
/// Written as 26 characters of Crockford's base 32. This is the id of a message, shown in the 250.
struct Ulid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Ulid&) const = default;
  /// 26 upper-case characters.
  std::string to_string() const;
  /// The milliseconds part.
  std::int64_t millis() const;
  /// Accepts either case; nothing on any other input.
  static std::optional<Ulid> parse(std::string_view text);
};

/// Gives ids that never step back, even when the wall clock does. Thread-safe.
class UlidSource {
public:
  explicit UlidSource(const Clock& clock = system_clock());
  Ulid next();

private:
  const Clock& clock_;
  std::mutex mutex_;
  Ulid last_;
  std::string random_; ///< octets for coming ids
};

} // namespace paquebot
