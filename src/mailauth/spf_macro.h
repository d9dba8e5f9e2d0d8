#pragma once

#include "base/result.h"
#include "mailauth/ip.h"

#include <string>
#include <string_view>

namespace paquebot::mailauth {

/// Where a macro-string stands: the letters c, r and t are for explanations only (RFC 7208 section 7.2).
enum class SpfMacroUse { domain_spec, explanation };

/// What the macro letters expand to (section 7.2).
struct SpfMacroValues {
  std::string local; ///< l; "postmaster" where the sender has no local part
  std::string sender_domain;
  std::string domain; ///< d: the domain whose record is being evaluated
  Ip ip;
  std::string helo;
  std::string validated = "unknown"; ///< p
  std::string receiver = "unknown";  ///< r: this host
  std::int64_t now = 0;              ///< t: seconds since 1970
};

/// Checks the syntax of a macro-string (section 7.1); Errc::invalid says what is wrong with it.
Result<> check_spf_macros(std::string_view text, SpfMacroUse use);
/// The same for a domain-spec: it must end in a top label or a macro.
Result<> check_spf_domain_spec(std::string_view text);
/// Whether the text uses %{p}, which costs questions to the DNS.
bool uses_spf_validated_name(std::string_view text);
/// Whether the text uses %{s} or %{l}.
bool uses_spf_local_part(std::string_view text);

/// Expands a macro-string that passed check_spf_macros; at most `most` octets, the rest is cut off.
std::string expand_spf_macros(std::string_view text, const SpfMacroValues& values, std::size_t most = 4096);
/// The name to ask for: expanded, without a final dot, lower-case, cut from the left to 253 octets (section 7.3).
/// May be no valid name.
std::string spf_target_name(std::string_view domain_spec, const SpfMacroValues& values);

} // namespace paquebot::mailauth
