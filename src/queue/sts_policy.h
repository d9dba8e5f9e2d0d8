#pragma once

#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::queue {

enum class StsMode : std::uint8_t { none, testing, enforce };
std::string_view to_string(StsMode mode);

/// What a domain asks of whoever sends to it (RFC 8461 section 3.2).
struct StsPolicy {
  StsMode mode = StsMode::none;
  std::vector<std::string> mx{}; ///< lower-case names, or "*." and one; at most kMostStsHosts
  std::chrono::seconds max_age{0};

  bool operator==(const StsPolicy&) const = default;
};

inline constexpr std::size_t kMostStsHosts = 1000;

/// Reads a policy. Unknown fields are passed over, and of a field that comes twice the first counts (but for mx). An
/// error says in words what is wrong with it.
Result<StsPolicy> parse_sts_policy(std::string_view text);

/// Whether a mail host is one of the policy's (section 4.1): "*." stands for one label.
bool names_host(const StsPolicy& policy, std::string_view host);

/// The id that the texts at _mta-sts.DOMAIN tell of; nothing where there is not exactly one record of this kind, or it
/// is malformed (section 3.1): there is no policy then.
std::optional<std::string> sts_id(const std::vector<std::string>& texts);

} // namespace paquebot::queue
