// Return addresses of forwarded mail: what strangers write there, and ours there and back. The first octet chooses the day.

#include "policy/srs.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace paquebot;

namespace {

constexpr std::int64_t kDay = 20'780;

/// What we make of a sender leads back to exactly this sender, within its days.
void there_and_back(const policy::Srs& ours, const mail::Address& sender, int age) {
  const auto away = ours.forward(sender, "ours.test", kDay);
  if (!away) return;
  if (away->local.size() > 64 || away->domain != "ours.test" || !policy::Srs::looks_like(away->local)) std::abort();
  const auto parsed = mail::parse_address(away->to_string());
  if (!parsed || *parsed != *away) std::abort();
  const auto back = ours.reverse(*away, kDay + age);
  if (policy::Srs::looks_like(sender.local)) return; // it leads to the host before, which looks at the day
  if (back.has_value() != (age <= policy::kSrsDays)) std::abort();
  if (back && *back != sender) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const policy::Srs ours("a key");
  const int age = bytes[0] % 32;
  // A local part that nobody has looked at, and an address as MAIL and RCPT know it.
  const mail::Address raw{std::string(text), "ours.test"};
  if (ours.reverse(raw, kDay + age) && !policy::Srs::looks_like(raw.local)) std::abort();
  if (const auto sender = mail::parse_address(text); sender && !sender->is_literal())
    there_and_back(ours, *sender, age);
  return 0;
}
