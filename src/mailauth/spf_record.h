#pragma once

#include "base/result.h"
#include "mailauth/ip.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// Results of check_host() (RFC 7208 section 2.6).
enum class SpfResult : std::uint8_t { none, neutral, pass, fail, softfail, temperror, permerror };
/// "pass", "softfail" and so on, as in Authentication-Results (RFC 8601 section 2.7.2).
std::string_view to_string(SpfResult result);

enum class SpfMechanism : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };

/// One directive of a record.
struct SpfDirective {
  SpfResult qualifier = SpfResult::pass; ///< the result when the mechanism matches
  SpfMechanism mechanism = SpfMechanism::all;
  std::string domain_spec; ///< with its macros; empty where the record leaves it out
  Ip network;              ///< of ip4 and ip6
  std::uint8_t bits4 = 32; ///< prefix for IPv4: ip4, a, mx
  std::uint8_t bits6 = 128;
  std::string text; ///< as in the record, for people
};

struct SpfRecord {
  std::vector<SpfDirective> directives;
  std::optional<std::string> redirect;
  std::optional<std::string> exp;
};

/// Octets of a record at most; longer ones are malformed. (RFC 7208 section 3.4 advises 450.)
inline constexpr std::size_t kMaxSpfRecord = 8192;

/// Whether a TXT record is one of SPF (section 4.5): "v=spf1" and then a space or the end.
bool is_spf_record(std::string_view text);
/// Reads a whole record (section 12). Errc::invalid, naming the term, for any error of syntax anywhere (section 4.6).
Result<SpfRecord> parse_spf_record(std::string_view text);

} // namespace paquebot::mailauth
