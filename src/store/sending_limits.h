#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace paquebot::store {

/// What is bounded of an account's sending. Numbers are stored: never change them. Windows are hours and days of UTC.
enum class LimitKind : std::uint8_t {
  messages_per_hour = 1,
  messages_per_day,
  recipients_per_message, ///< has no window
  recipients_per_day,
  new_recipients_per_day, ///< addresses that the account has not written to before
  bytes_per_day,
};
inline constexpr std::array kLimitKinds = {LimitKind::messages_per_hour,      LimitKind::messages_per_day,
                                           LimitKind::recipients_per_message, LimitKind::recipients_per_day,
                                           LimitKind::new_recipients_per_day, LimitKind::bytes_per_day};

/// The name in configuration, command line and API: "messages_per_hour".
std::string_view name_of(LimitKind kind);
/// Nothing for an unknown name.
std::optional<LimitKind> limit_kind(std::string_view name);

/// A bound for each kind; 0: none.
struct Limits {
  std::array<std::uint64_t, kLimitKinds.size()> most{};

  std::uint64_t& operator[](LimitKind kind) { return most[static_cast<std::size_t>(kind) - 1]; }
  std::uint64_t operator[](LimitKind kind) const { return most[static_cast<std::size_t>(kind) - 1]; }
  bool operator==(const Limits&) const = default;
};

/// Milliseconds of the kind's window; 0 for a bound without one.
std::int64_t window_of(LimitKind kind);
/// When the window that holds `now` began and ends (wall milliseconds); both 0 for a bound without a window.
std::int64_t window_start(LimitKind kind, std::int64_t now);
std::int64_t window_end(LimitKind kind, std::int64_t now);

/// How much of one bound an account has used.
struct LimitUse {
  LimitKind kind = LimitKind::messages_per_hour;
  std::uint64_t used = 0;
  std::uint64_t most = 0; ///< what holds for the account: its own bound or the general one; 0: none
  bool own = false;       ///< the bound is the account's own
  std::int64_t until = 0; ///< end of the window
};

/// A bound that a message would break, or a share of one that it has just passed.
struct LimitHit {
  LimitKind kind = LimitKind::messages_per_hour;
  std::uint64_t used = 0;   ///< before the message
  std::uint64_t wanted = 0; ///< what the message adds
  std::uint64_t most = 0;
  std::int64_t until = 0; ///< wall milliseconds; 0: waiting does not help
};

/// The share of a bound, in percent, at which the account's owner is told.
inline constexpr std::uint64_t kWarnPercent = 80;

} // namespace paquebot::store
