#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

enum class DmarcPolicy : std::uint8_t { none, quarantine, reject };
std::string_view to_string(DmarcPolicy policy);

/// A DMARC Policy Record (RFC 9989 section 4.7).
struct DmarcRecord {
  enum class Psd : std::uint8_t { unknown, yes, no };

  /// False when section 4.10.1 forbids to apply the record: no valid p=, or an sp= or np= that is not valid, and no
  /// address for reports. It still counts as a record for the tree walk.
  bool usable = true;
  DmarcPolicy p = DmarcPolicy::none;
  std::optional<DmarcPolicy> sp;
  std::optional<DmarcPolicy> np;
  Psd psd = Psd::unknown;
  bool testing = false;         ///< t=y
  bool strict_dkim = false;     ///< adkim=s
  bool strict_spf = false;      ///< aspf=s
  std::vector<std::string> rua; ///< URIs as written, without the obsolete size; at most kMaxDmarcUris each
  std::vector<std::string> ruf;
  std::string fo = "0";
};

inline constexpr std::size_t kMaxDmarcUris = 10;

/// Nothing when the text is no record: v=DMARC1 must come first (section 4.7, "v"). Whatever else is malformed is
/// passed over (section 4.8); of a tag that is given twice the first counts.
std::optional<DmarcRecord> parse_dmarc_record(std::string_view text);

/// One level less: what t=y asks for (section 4.7, "t").
DmarcPolicy one_level_less(DmarcPolicy policy);

} // namespace paquebot::mailauth
