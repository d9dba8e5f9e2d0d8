#pragma once

#include "base/result.h"
#include "mail/address.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::policy {

/// Days for which a rewritten return address is good: a message waits in queues for a week at most, its report for another.
inline constexpr int kSrsDays = 21;

/// The Sender Rewriting Scheme: the return address of a message that we forward to others names us, so that SPF (RFC 7208
/// appendix D.2.3) holds, and holds what is needed to send its bounce on:
///
///   ann@far.test, forwarded by a@ours.test   SRS0=hhhhhh=tt=far.test=ann@ours.test
///   that one, forwarded by b@next.test       SRS1=gggggg=ours.test==hhhhhh=tt=far.test=ann@next.test
///
/// hhhhhh is 30 bits of a keyed hash, tt the day modulo 1024, both in base 32; letters of either case mean the same. The
/// text is what other programs write, so each hop reads only its own. Pure.
class Srs {
public:
  /// `key`: secret, of the whole server.
  explicit Srs(std::string key) : key_(std::move(key)) {}

  /// Whether `local` has the form of a rewritten local part, right or wrong.
  static bool looks_like(std::string_view local);
  /// The return address under `domain` (ours). Nothing when it would be longer than a local part may be: the
  /// address is then left as it is. `day`: days since 1970 UTC.
  std::optional<mail::Address> forward(const mail::Address& sender, const std::string& domain, std::int64_t day) const;
  /// Where a bounce to `address` goes. `invalid`: not made by us, or altered; `timeout`: older than kSrsDays.
  Result<mail::Address> reverse(const mail::Address& address, std::int64_t day) const;

private:
  std::string hash(std::string_view mark, std::string_view text) const;
  bool is_right(std::string_view hash, std::string_view mark, std::string_view text) const;

  std::string key_;
};

} // namespace paquebot::policy
