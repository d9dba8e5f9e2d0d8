#pragma once

#include "base/ulid.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Accounts that look as if somebody else sends with their password.
namespace paquebot::store {

/// What gave it away. Numbers are stored: never change them.
enum class TakeoverSign : std::uint8_t {
  new_recipients = 1, ///< far more first-time recipients in a day than usual
  failures,           ///< many recipients of a day failed for good
  networks,           ///< logins from many networks within an hour
  operators_order,    ///< somebody here said so
};

/// "new_recipients", for the log and the API.
std::string_view name_of(TakeoverSign signal);

/// What the accepting transaction and the one that records outcomes watch for; 0 switches a signal off. Days are of
/// UTC.
struct TakeoverRules {
  /// First-time recipients in a day: more than this, and more than `times_usual` times what the account has on a day on
  /// which it writes to anybody new (the days of the last 30). Not for an account with a bound of its own of
  /// new_recipients_per_day, which says what is right for it.
  std::uint64_t new_recipients = 0;
  std::uint64_t times_usual = 5;
  /// Recipients of a day that failed for good: so many at least, and this share in percent of all that it wrote to.
  std::uint64_t failures = 0;
  std::uint64_t failure_percent = 33;
  bool operator==(const TakeoverRules&) const = default;
};

/// Why an account that has written to `count` addresses for the first time on a day, and writes to `usual` on other
/// days, looks taken over; nothing when it does not.
std::optional<std::string> judge_new_recipients(const TakeoverRules& rules, std::uint64_t count, std::uint64_t usual);
/// The same for one of which `failed` of `of` recipients of a day failed for good.
std::optional<std::string> judge_failures(const TakeoverRules& rules, std::uint64_t failed, std::uint64_t of);

/// An account whose outgoing mail is held until an operator has looked.
struct Suspicion {
  std::int64_t account = 0;
  std::string login;
  std::int64_t since = 0; ///< milliseconds since 1970
  TakeoverSign signal = TakeoverSign::new_recipients;
  std::string reason;     ///< in words, for people
  Ulid notice;            ///< id of the message that tells of it, so that it is written once
  bool told = false;      ///< that message is written, and what waited then is held
  std::uint64_t held = 0; ///< recipients held for it; filled when asked for
};

/// What a delivery report says that came by mail. Anybody can write one: only what the trail bears out counts.
struct LateBounces {
  Ulid report;                        ///< the message that it is
  std::int64_t account = 0;           ///< whose mailbox it came to
  std::vector<Ulid> about;            ///< messages that it may be about; the first one that the account sent is meant
  std::vector<std::string> addresses; ///< that failed for good, lower-case
};

/// Who holds the mail of such an account (HoldKind::takeover), for the reasons that people read.
inline constexpr std::string_view kTakeoverWatch = "the take-over watch";

} // namespace paquebot::store
