#include "delivery/standing.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::delivery {

std::optional<std::pair<mailauth::AuthResults, std::string>> own_results(const mail::Head& head,
                                                                         const std::string& hostname) {
  for (const mail::Field& field : head) {
    if (!field.is("Authentication-Results")) continue;
    auto parsed = mailauth::parse_auth_results(field.value());
    if (parsed && iequals(parsed->authserv_id, hostname))
      return std::pair(std::move(*parsed), std::string(trim(field.value())));
  }
  return std::nullopt;
}

Standing standing_of(const mail::Head& head, const std::string& hostname, const std::string& domain) {
  Standing standing;
  const auto own = own_results(head, hostname);
  if (!own) return standing;
  const auto names = [&](const mailauth::AuthResult::Property& one) {
    return one.type == "header" && one.name == "d" && iequals(one.value, domain);
  };
  for (const mailauth::AuthResult& result : own->first.results) {
    const bool passed = result.result == "pass";
    if (result.method == "spf") {
      standing.spf_failed |= result.result == "fail" || result.result == "softfail";
      standing.vouched |= passed;
    } else if (result.method == "dkim") {
      standing.vouched |= passed && std::ranges::any_of(result.properties, names);
    }
  }
  return standing;
}

} // namespace paquebot::delivery
