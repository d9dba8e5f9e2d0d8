#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::store {

/// An operator's standing order: what an account sends, or what goes to a domain, is held until it ends (by
/// HoldKind::suspended), what waits already and what comes new. What goes to a site only pauses (queue::Site), which is
/// remembered here for who ordered it, and since it is no delay that a sender should hear of.
struct Suspension {
  enum class Of : std::uint8_t { account, domain, site };
  enum class Phase : std::uint8_t {
    begun,  ///< what waited before is not all held yet
    whole,  ///< it is
    ending, ///< what it holds is not all let go yet
    over,   ///< kept for a while: its time counts as no delay
  };
  Of of = Of::account;
  std::string name;         ///< login, domain (lower-case) or site
  std::int64_t account = 0; ///< of the login
  Phase phase = Phase::begun;
  std::int64_t since = 0; ///< milliseconds since 1970; 0: now
  std::int64_t until = 0; ///< 0: until somebody ends it
  std::int64_t ended = 0; ///< 0: it has not
  std::string who;        ///< "operator root (uid 0)"
  std::string why;        ///< his words; may be empty

  /// It is in force at that time.
  bool holds(std::int64_t now) const { return phase <= Phase::whole && (until == 0 || until > now); }
  bool operator==(const Suspension&) const = default;
};

/// Behind the last "@"; empty where there is none.
constexpr std::string_view domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == address.npos ? std::string_view() : address.substr(at + 1);
}
/// "account", "domain", "site".
std::string_view name_of(Suspension::Of of);
/// "mail of ann@example.org is suspended until 2026-12-01T00:00:00Z by operator root (uid 0): a stolen laptop".
std::string words_of(const Suspension& one);

/// Suspensions that there may be.
inline constexpr std::size_t kMostSuspensions = 200;
/// For so long one that is over is known.
inline constexpr std::int64_t kKeepSuspension = 7LL * 24 * 3600 * 1000;

} // namespace paquebot::store
