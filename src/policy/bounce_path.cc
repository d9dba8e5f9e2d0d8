#include "policy/bounce_path.h"

#include "base/encoding.h"
#include "base/text.h"
#include "policy/base32_number.h"
#include "sasl/scram.h"

namespace paquebot::policy {
namespace {

constexpr std::string_view kBegin = "bounce-";
constexpr std::size_t kMacLetters = 12, kWhenLetters = 8, kWhoLetters = 4;
constexpr std::size_t kWhole = kBegin.size() + kMacLetters + 1 + kWhenLetters + kWhoLetters;
constexpr std::int64_t kWhens = std::int64_t{1} << (5 * kWhenLetters); // 34 years of milliseconds
constexpr std::uint64_t kSeveral = (1U << (5 * kWhoLetters)) - 1;
constexpr std::int64_t kOneDay = 24LL * 3600 * 1000;

std::string_view mac_of(std::string_view local) { return local.substr(kBegin.size(), kMacLetters); }
std::string_view signed_part(std::string_view local) { return local.substr(kBegin.size() + kMacLetters + 1); }

} // namespace

bool BouncePath::looks_like(std::string_view local) {
  return local.size() == kWhole && istarts_with(local, kBegin) && local[kBegin.size() + kMacLetters] == '-' &&
         read_base32(mac_of(local)) && read_base32(signed_part(local));
}

std::string BouncePath::hash(std::string_view text, const Ulid& message) const {
  const std::string signed_text = to_lower(std::string(text)) + "=" + message.to_string();
  const std::string mac = sasl::hmac(sasl::ScramHash::sha256, key_, signed_text);
  std::string letters;
  for (std::size_t i = 0; i < kMacLetters; ++i) letters += kBase32Letters[static_cast<unsigned char>(mac[i]) % 32];
  return to_lower(letters);
}

std::string BouncePath::local_for(const Ulid& message, std::optional<std::uint32_t> recipient) const {
  const auto when = static_cast<std::uint64_t>(((message.millis() % kWhens) + kWhens) % kWhens);
  const std::uint64_t who = recipient && *recipient < kSeveral ? *recipient : kSeveral;
  const std::string text = to_lower(write_base32(when, kWhenLetters) + write_base32(who, kWhoLetters));
  return std::string(kBegin) + hash(text, message) + "-" + text;
}

std::optional<std::int64_t> BouncePath::time_of(std::string_view local, std::int64_t now) {
  if (!looks_like(local)) return std::nullopt;
  const auto when = static_cast<std::int64_t>(read_base32(signed_part(local).substr(0, kWhenLetters)).value_or(0));
  const std::int64_t latest = now + kOneDay;
  return latest - ((((latest - when) % kWhens) + kWhens) % kWhens);
}

std::optional<BouncePath::Served> BouncePath::serves(std::string_view local, const Ulid& message) const {
  if (!looks_like(local)) return std::nullopt;
  if (!equal_constant_time(to_lower(std::string(mac_of(local))), hash(signed_part(local), message)))
    return std::nullopt;
  const std::uint64_t who = read_base32(signed_part(local).substr(kWhenLetters)).value_or(kSeveral);
  Served served;
  if (who != kSeveral) served.recipient = static_cast<std::uint32_t>(who);
  return served;
}

} // namespace paquebot::policy
