#pragma once

#include "mail/told.h"
#include "store/types.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Addresses that programs send nothing to any more (docs/outbound.md): they are refused in the transaction that would
/// accept mail to them. People's own mail goes there all the same, with a word in its trail.
namespace paquebot::store {

/// For whose mail it counts. Numbers are stored.
enum class SuppressScope : std::uint8_t { server = 1, domain, account };
/// Numbers are stored. All but `manual` come by themselves.
enum class SuppressReason : std::uint8_t { no_such_user = 1, full, disabled, complaint, manual };

/// "server", "no-such-user".
std::string_view name_of(SuppressScope scope);
std::string_view name_of(SuppressReason reason);

struct Suppression {
  Id id = 0;
  SuppressScope scope = SuppressScope::account;
  Id of = 0;           ///< the domain or account; 0: the server
  std::string owner{}; ///< its name or login; filled when read
  std::string address; ///< "local@domain", lower-case
  SuppressReason reason = SuppressReason::manual;
  Ulid message{};      ///< the evidence: of which the reply was; all zero: there is none
  std::string reply{}; ///< what was said, or who put it there and why; at most kMostSuppressReply octets
  std::int64_t since = 0;
  std::int64_t until = 0; ///< 0: for good
};

/// "no-such-user since 2026-11-30: 550 5.1.1 …".
std::string words_of(const Suppression& one);

/// Which are asked for.
struct SuppressionFilter {
  std::string address{};      ///< lower-case; empty: all
  bool everybodys = true;     ///< whoever's, the server's too; else:
  bool servers = false;       ///< the server's own,
  std::vector<Id> accounts{}; ///< or of these accounts,
  std::vector<Id> domains{};  ///< or of these domains and the accounts in them
};

/// What a delivery report says that came to a return address of ours, which proves that it is about this message.
struct ProvenReturn {
  Ulid report;                              ///< the message that it is
  Ulid message;                             ///< that it is about
  std::optional<std::uint32_t> recipient{}; ///< whom the return address served alone
  struct Failed {
    std::string address; ///< lower-case
    mail::Told told;     ///< by whom, and what he said
  };
  std::vector<Failed> failed{};
  std::uint64_t most = 0; ///< how many reports there may be of the message
};

/// What a feedback report says (RFC 5965) of a message of ours that its author must have had in hand.
struct Complaint {
  Ulid report;
  Ulid message{};
  std::optional<std::uint32_t> recipient{}; ///< whom the return address in it served; nothing: the only one there is
  std::string words;                        ///< "abuse, told by far.example"
};

inline constexpr std::size_t kMostSuppressReply = 500;
/// Of one scope; beyond, one that came by itself takes the place of the oldest of these, and others are refused.
inline constexpr std::int64_t kMostSuppressions = 100'000;
/// How often within which time a mailbox is full or disabled before it is suppressed; and for how long it is then. One
/// that does not exist is for half a year.
inline constexpr std::int64_t kStrikes = 3;
inline constexpr std::int64_t kStrikesWithin = 14LL * 24 * 3600 * 1000;
inline constexpr std::int64_t kStruckFor = 30LL * 24 * 3600 * 1000;
inline constexpr std::int64_t kNoUserFor = 180LL * 24 * 3600 * 1000;

} // namespace paquebot::store
