#include "queue/sts_policy.h"

#include "base/text.h"
#include "mail/address.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

constexpr std::uint64_t kLongestAge = 31'557'600; // seconds: a year, the RFC's own bound
constexpr std::size_t kLongestId = 32;

std::optional<StsMode> mode_of(std::string_view word) {
  if (word == "enforce") return StsMode::enforce;
  if (word == "testing") return StsMode::testing;
  if (word == "none") return StsMode::none;
  return std::nullopt;
}

/// In lower case, a final dot taken away; empty when it is no name.
std::string host_pattern(std::string_view text) {
  const std::string_view star = text.starts_with("*.") ? text.substr(0, 2) : "";
  text.remove_prefix(star.size());
  if (text.ends_with('.')) text.remove_suffix(1);
  auto name = mail::normalize_domain(text);
  return name ? std::string(star) + *name : std::string();
}

/// What stands in a policy's text, before it is looked at as a whole.
struct Fields {
  std::optional<std::string> version, mode, max_age;
  std::vector<std::string> mx;
  bool too_many = false, bad_host = false;

  void add(std::string_view key, std::string_view value) {
    const auto first = [&](std::optional<std::string>& into) {
      if (!into) into = std::string(value);
    };
    if (key == "version") return first(version);
    if (key == "mode") return first(mode);
    if (key == "max_age") return first(max_age);
    if (key != "mx") return;
    std::string host = host_pattern(value);
    bad_host = bad_host || host.empty();
    too_many = too_many || mx.size() >= kMostStsHosts;
    if (!host.empty() && !too_many) mx.push_back(std::move(host));
  }
};

} // namespace

std::string_view to_string(StsMode mode) {
  switch (mode) {
    case StsMode::none: return "none";
    case StsMode::testing: return "testing";
    case StsMode::enforce: return "enforce";
  }
  return "none";
}

Result<StsPolicy> parse_sts_policy(std::string_view text) {
  Fields fields;
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return fail(Errc::invalid, "a line without a colon: " + printable(line, 60));
    fields.add(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  if (fields.version != "STSv1") return fail(Errc::invalid, "it does not say \"version: STSv1\"");
  const auto mode = mode_of(fields.mode.value_or(""));
  if (!mode) return fail(Errc::invalid, "its mode is none of enforce, testing and none");
  const std::string digits = fields.max_age.value_or("");
  const auto age = parse_u64(digits);
  if (!age || digits.size() > 10) return fail(Errc::invalid, "its max_age is no number of seconds");
  if (fields.too_many) return fail(Errc::invalid, "it names too many hosts");
  if (fields.bad_host) return fail(Errc::invalid, "an mx is no host name");
  if (fields.mx.empty() && *mode != StsMode::none) return fail(Errc::invalid, "it names no mx");
  return StsPolicy{*mode, std::move(fields.mx), std::chrono::seconds(std::min(*age, kLongestAge))};
}

bool names_host(const StsPolicy& policy, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string name = to_lower(host);
  const std::size_t dot = name.find('.');
  return std::ranges::any_of(policy.mx, [&](const std::string& pattern) {
    if (!pattern.starts_with("*.")) return pattern == name;
    return dot != std::string::npos && dot > 0 && std::string_view(name).substr(dot) == pattern.substr(1);
  });
}

std::optional<std::string> sts_id(const std::vector<std::string>& texts) {
  const std::string* record = nullptr;
  for (const std::string& text : texts) {
    const std::string_view version = trim(std::string_view(text).substr(0, text.find(';')));
    if (version != "v=STSv1") continue;
    if (record != nullptr) return std::nullopt;
    record = &text;
  }
  if (record == nullptr) return std::nullopt;
  std::optional<std::string> id;
  for (const std::string_view raw : split(*record, ';')) {
    const std::string_view field = trim(raw);
    if (!field.starts_with("id=") || id) continue;
    id = std::string(field.substr(3));
  }
  const auto plain = [](unsigned char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); };
  if (!id || id->empty() || id->size() > kLongestId || !std::ranges::all_of(*id, plain)) return std::nullopt;
  return id;
}

} // namespace paquebot::queue
