#include "setup/mta_sts.h"

#include "mail/address.h"
#include "setup/digest.h"

namespace paquebot::setup {
namespace {

std::string_view word_of(MtaStsMode mode) {
  switch (mode) {
    case MtaStsMode::off: return "";
    case MtaStsMode::none: return "none";
    case MtaStsMode::testing: return "testing";
    case MtaStsMode::enforce: return "enforce";
  }
  return "";
}

} // namespace

std::string read_mx_pattern(std::string_view text) {
  const std::string_view star = text.starts_with("*.") ? text.substr(0, 2) : "";
  auto name = mail::normalize_domain(text.substr(star.size()));
  return name ? std::string(star) + *name : std::string();
}

std::string mta_sts_policy(const MtaSts& policy, std::string_view host) {
  if (policy.mode == MtaStsMode::off) return {};
  std::string out = "version: STSv1\r\nmode: " + std::string(word_of(policy.mode)) + "\r\n";
  const auto add = [&out](std::string_view name) { out += "mx: " + std::string(name) + "\r\n"; };
  add(host);
  for (const std::string& name : policy.mx)
    if (name != host) add(name);
  out += "max_age: " + std::to_string(policy.max_age.count()) + "\r\n";
  return out;
}

std::string mta_sts_text(const MtaSts& policy, std::string_view host) {
  const std::string document = mta_sts_policy(policy, host);
  return document.empty() ? std::string() : "v=STSv1; id=" + short_digest(document) + ";";
}

} // namespace paquebot::setup
