#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::doctor {

/// A policy of MTA-STS as others read it (RFC 8461 section 3.2).
struct StsPolicy {
  std::string mode;            ///< "enforce", "testing" or "none"
  std::uint64_t max_age = 0;   ///< seconds
  std::vector<std::string> mx; ///< names, or "*.example.net"; at most 100
};
/// `invalid`, with what is wrong, for what others would not take.
Result<StsPolicy> read_sts_policy(std::string_view text);
/// Whether a host of an MX record is one of the policy's: "*." stands for one label (section 4.1).
bool sts_covers(const StsPolicy& policy, std::string_view host);

/// The id of "v=STSv1; id=20261123;" (section 3.1); `invalid` for what is no such text.
Result<std::string> read_sts_text(std::string_view text);
/// Whether the text of _smtp._tls is one that others use (RFC 8460 section 3): "v=TLSRPTv1; rua=mailto:…".
bool is_tls_rpt(std::string_view text);

} // namespace paquebot::doctor
