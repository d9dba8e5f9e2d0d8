#include "control/hook_rules.h"

#include "base/encoding.h"
#include "base/random.h"
#include "sasl/scram.h"

#include <algorithm>

namespace paquebot::control {
namespace {

std::string signature(std::string_view secret, std::string_view text) {
  return "v1," + base64_encode(sasl::hmac(sasl::ScramHash::sha256, secret, text));
}

} // namespace

std::string show_secret(std::string_view octets) { return std::string(kSecretPrefix) + base64_encode(octets); }

std::string make_secret() { return random_bytes(kSecretOctets); }

std::string sign_hook(const store::Hook& hook, std::string_view id, std::int64_t seconds, std::string_view body,
                      std::int64_t now) {
  const std::string text = std::string(id) + "." + std::to_string(seconds) + "." + std::string(body);
  std::string all = signature(hook.secret, text);
  if (!hook.old_secret.empty() && now < hook.old_until) all += " " + signature(hook.old_secret, text);
  return all;
}

std::chrono::milliseconds hook_back_off(std::uint32_t failures) {
  constexpr std::chrono::seconds kFirst{5}, kLongest{6 * 3600};
  if (failures == 0) return std::chrono::milliseconds(0);
  const std::uint32_t doublings = std::min(failures - 1, 13U);
  return std::min<std::chrono::milliseconds>(kFirst * (1U << doublings), kLongest);
}

} // namespace paquebot::control
