#include "doctor/policy_text.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::doctor {
namespace {

constexpr std::size_t kMostHosts = 100;
constexpr std::uint64_t kLongest = 31'557'600; ///< RFC 8461 section 3.2

/// "v=STSv1; id=1" as pairs; of a name that comes twice the first.
std::vector<std::pair<std::string_view, std::string_view>> pairs_of(std::string_view text) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const std::string_view part : split(text, ';')) {
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    pairs.emplace_back(trim(part.substr(0, equals)), trim(part.substr(equals + 1)));
  }
  return pairs;
}

} // namespace

Result<StsPolicy> read_sts_policy(std::string_view text) {
  StsPolicy policy;
  bool version = false, age = false;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = trim(line.substr(0, colon)), value = trim(line.substr(colon + 1));
    if (key == "version") version = value == "STSv1";
    if (key == "mode") policy.mode = value;
    if (key == "mx" && policy.mx.size() < kMostHosts) policy.mx.push_back(to_lower(value));
    if (key == "max_age" && !age) {
      const auto seconds = parse_u64(value);
      age = seconds && *seconds <= kLongest;
      policy.max_age = seconds.value_or(0);
    }
  }
  if (!version) return fail(Errc::invalid, "it has no line \"version: STSv1\"");
  if (policy.mode != "enforce" && policy.mode != "testing" && policy.mode != "none")
    return fail(Errc::invalid, "its mode is neither enforce, nor testing, nor none");
  if (!age) return fail(Errc::invalid, "it has no max_age of at most 31557600 seconds");
  if (policy.mx.empty() && policy.mode != "none") return fail(Errc::invalid, "it names no mx");
  return policy;
}

bool sts_covers(const StsPolicy& policy, std::string_view host) {
  const std::string name = to_lower(host);
  return std::ranges::any_of(policy.mx, [&](const std::string& one) {
    if (!one.starts_with("*.")) return one == name;
    const auto dot = name.find('.');
    return dot != std::string::npos && dot > 0 && name.substr(dot) == one.substr(1);
  });
}

Result<std::string> read_sts_text(std::string_view text) {
  const auto pairs = pairs_of(text);
  if (pairs.empty() || pairs.front() != std::pair<std::string_view, std::string_view>("v", "STSv1"))
    return fail(Errc::invalid, "it does not begin with v=STSv1");
  for (const auto& [key, value] : pairs)
    if (key == "id" && !value.empty() && value.size() <= 32 && std::ranges::all_of(value, is_alnum))
      return std::string(value);
  return fail(Errc::invalid, "it has no id of 1 to 32 letters and digits");
}

bool is_tls_rpt(std::string_view text) {
  const auto pairs = pairs_of(text);
  if (pairs.empty() || pairs.front() != std::pair<std::string_view, std::string_view>("v", "TLSRPTv1")) return false;
  return std::ranges::any_of(pairs, [](const auto& one) {
    return one.first == "rua" && (one.second.starts_with("mailto:") || one.second.starts_with("https:"));
  });
}

} // namespace paquebot::doctor
