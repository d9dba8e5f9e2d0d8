#pragma once

#include <cstdint>
#include <string>

/// What is kept for aggregate reports, of DMARC (RFC 9990) and on TLS (RFC 8460), until they are sent. The store knows
/// no more of it than what belongs together; the words are mailauth's.
namespace paquebot::store {

/// What one report is about: a day of UTC, and the domain whose policy record was found.
struct DmarcDay {
  enum class Kind : std::uint8_t { dmarc, tls };
  std::int64_t day = 0; ///< its first millisecond
  std::string domain{}; ///< lower-case A-labels
  Kind kind = Kind::dmarc;
  auto operator<=>(const DmarcDay&) const = default;
};

/// Messages that are alike in all that a report tells of them.
struct DmarcRow {
  std::string source; ///< IP address; on TLS the mail host
  std::string detail; ///< everything else, packed; any octets, at most kMaxDmarcDetail
  std::uint64_t count = 0;
};

/// To be added to what is kept.
struct DmarcCount {
  DmarcDay of;
  std::string policy; ///< the record; the last one of a day counts
  DmarcRow row;
};

/// A report that is to be sent.
struct DmarcDue {
  DmarcDay of;
  std::string policy;
  std::uint64_t rows = 0;
};

// Strangers choose what is in these rows: what goes beyond a bound is not kept.
inline constexpr std::size_t kMaxDmarcDetail = 2048;
inline constexpr std::size_t kMaxDmarcPolicy = 8192;
inline constexpr std::uint64_t kMaxDmarcRowsOfReport = 5'000;
// Of each kind:
inline constexpr std::uint64_t kMaxDmarcRows = 50'000;
inline constexpr std::uint64_t kMaxDmarcReports = 5'000; ///< that wait to be sent
/// How long a report may wait to be sent before it is given up.
inline constexpr std::int64_t kKeepDmarcMs = 5LL * 24 * 3600 * 1000;

} // namespace paquebot::store
