#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The policy of RFC 8461 for our own domains: what other servers may rely on when they send mail here.
namespace paquebot::setup {

enum class MtaStsMode : std::uint8_t {
  off,     ///< there is no policy
  none,    ///< one that takes back an earlier one
  testing, ///< what fails is only reported
  enforce, ///< what fails is not sent
};

struct MtaSts {
  MtaStsMode mode = MtaStsMode::testing;
  std::chrono::seconds max_age{7 * 86400}; ///< at most 31557600 (section 3.2)
  /// Hosts that take our mail beside this server, or "*.example.net", in their normal form.
  std::vector<std::string> mx;
};

/// A name, or a name behind "*.", in its normal form; empty when it is neither.
std::string read_mx_pattern(std::string_view text);

/// The document at https://mta-sts.DOMAIN/.well-known/mta-sts.txt; empty without a policy. `host` is this server's
/// name.
std::string mta_sts_policy(const MtaSts& policy, std::string_view host);
/// The text of _mta-sts.DOMAIN: its id is another one whenever the policy is.
std::string mta_sts_text(const MtaSts& policy, std::string_view host);

} // namespace paquebot::setup
