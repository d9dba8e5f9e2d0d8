#pragma once

#include "base/ulid.h"
#include "mail/address.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::policy {

/// The return address of a message that a program handed in by the API: whoever writes to it shows that he has, or had,
/// that message in hand, so that what he says of it may count.
///
///   bounce-hhhhhhhhhhhh-ttttttttrrrr@ours.test
///
/// tttttttt is when the message came (milliseconds, 40 bits), rrrr the recipient that it went to alone (or that there
/// were several), and hhhhhhhhhhhh 60 bits of a keyed hash of both and of the message's whole id; all in base 32,
/// letters of either case mean the same. Pure.
class BouncePath {
public:
  /// `key`: secret, of the whole server.
  explicit BouncePath(std::string key) : key_(std::move(key)) {}

  /// What an address says, once it is known to be for a message.
  struct Served {
    std::optional<std::uint32_t> recipient{}; ///< its index; nothing: it served several
  };

  /// Whether `local` has the form, right or wrong.
  static bool looks_like(std::string_view local);
  /// The local part for a message and one of its recipients; nothing: several.
  std::string local_for(const Ulid& message, std::optional<std::uint32_t> recipient) const;
  /// When the message came that `local` serves (milliseconds of its id), by what it says of itself: at most a day
  /// behind `now`. Nothing when it is none.
  static std::optional<std::int64_t> time_of(std::string_view local, std::int64_t now);
  /// Nothing when local_for() did not make it for this message.
  std::optional<Served> serves(std::string_view local, const Ulid& message) const;

private:
  std::string hash(std::string_view text, const Ulid& message) const;

  std::string key_;
};

} // namespace paquebot::policy
