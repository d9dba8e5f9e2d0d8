// Return addresses of forwarded mail: what strangers write there, and ours there and back. The first octet is in the
// message's id.

#include "policy/srs.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace paquebot;

namespace {

constexpr std::int64_t kDay = 24LL * 3600 * 1000;

/// What we make of a sender serves its message and no other, and tells when that came.
void there_and_back(const policy::Srs& ours, const mail::Address& sender, const Ulid& message) {
  const mail::Address away = ours.forward(sender, message, "ours.test");
  if (away.local.size() > mail::kMaxLocalPart || away.domain != "ours.test") std::abort();
  if (!policy::Srs::looks_like(away.local)) std::abort();
  const auto parsed = mail::parse_address(away.to_string());
  if (!parsed || *parsed != away) std::abort();
  if (policy::Srs::time_of(away.local, message.millis() + kDay) != message.millis()) std::abort();
  Ulid other = message;
  other.bytes[15] ^= 1;
  if (!ours.serves(away.local, message)) std::abort();
  if (ours.serves(away.local, other)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const policy::Srs ours("a key");
  Ulid message;
  message.bytes = {1, 0x95, bytes[0], 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, bytes[0]};
  // A local part that nobody has looked at, and an address as MAIL and RCPT know it.
  if (ours.serves(text, message) && !policy::Srs::looks_like(text)) std::abort();
  const auto time = policy::Srs::time_of(text, message.millis());
  if (time && (!policy::Srs::looks_like(text) || *time > message.millis() + kDay)) std::abort();
  const auto sender = mail::parse_address(text);
  if (sender && !sender->is_literal()) there_and_back(ours, *sender, message);
  return 0;
}
