#pragma once

#include "base/ulid.h"
#include "mail/address.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::policy {

/// The Sender Rewriting Scheme: the return address of a message that we forward to others names us, so that SPF (RFC
/// 7208 appendix D.2.3) holds. One serves a single message, whose trail knows whom its reports are for:
///
///   ann@far.test, forwarded by a@ours.test   SRS0=hhhhhh=tttttttt=far.test=ann@ours.test
///   what is too long, or not plain ASCII     SRS0=hhhhhh=tttttttt@ours.test
///
/// tttttttt is when the message came (milliseconds, 40 bits) and hhhhhh 30 bits of a keyed hash of all that follows it
/// and of the message's whole id and of whether the sender's domain vouched for it, both in base 32; letters of either
/// case mean the same. What stands behind it is for people. Other programs leave the text as it is: each hop reads only
/// its own. Pure.
class Srs {
public:
  /// `key`: secret, of the whole server.
  explicit Srs(std::string key) : key_(std::move(key)) {}

  /// Whether `local` has the form of a rewritten local part, of ours or of others, right or wrong.
  static bool looks_like(std::string_view local);
  /// The return address under `domain` (ours) of a message of `sender` (not empty). `vouched`: his domain says that it
  /// is his.
  mail::Address forward(const mail::Address& sender, const Ulid& message, const std::string& domain,
                        bool vouched = false) const;
  /// When the message came that `local` serves (milliseconds of its id), by what it says of itself: at most a day
  /// behind `now`, whose clock may have been corrected. Nothing when it is none of these.
  static std::optional<std::int64_t> time_of(std::string_view local, std::int64_t now);
  /// Whether forward() made `local` for this message: then what it was told of `vouched`.
  std::optional<bool> serves(std::string_view local, const Ulid& message) const;

private:
  std::string hash(std::string_view text, const Ulid& message, bool vouched) const;

  std::string key_;
};

} // namespace paquebot::policy
