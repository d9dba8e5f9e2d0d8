#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace paquebot::store {

/// A policy of MTA-STS (RFC 8461) that another domain published, kept until it has expired.
struct StsRow {
  std::string domain; ///< lower-case A-labels
  std::string id;     ///< of the record that it was fetched for; at most 32 octets
  std::string text;   ///< as it came; at most kMaxStsText
  std::int64_t fetched = 0;
  bool operator==(const StsRow&) const = default;
};

inline constexpr std::size_t kMaxStsText = 64u << 10;

} // namespace paquebot::store
