#include "policy/srs.h"

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/scram.h"

namespace paquebot::policy {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648 section 6
constexpr std::size_t kHashLetters = 6;
constexpr std::int64_t kDays = 1024; // two letters
constexpr std::string_view kFirst = "SRS0";
constexpr std::string_view kAgain = "SRS1";

bool is_separator(char c) { return c == '=' || c == '+' || c == '-'; }

/// "SRS0" or "SRS1" and one of the separators that are in use.
bool begins_with(std::string_view local, std::string_view mark) {
  return local.size() > mark.size() && istarts_with(local, mark) && is_separator(local[mark.size()]);
}

/// Takes what stands before the next "=" off `text`; nothing when there is none.
std::optional<std::string_view> take(std::string_view& text) {
  const auto end = text.find('=');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

std::string write_day(std::int64_t day) {
  const auto value = static_cast<std::size_t>(((day % kDays) + kDays) % kDays);
  return {kLetters[value / 32], kLetters[value % 32]};
}

std::optional<std::int64_t> read_day(std::string_view text) {
  if (text.size() != 2) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto at = kLetters.find(upper);
    if (at == std::string_view::npos) return std::nullopt;
    value = value * 32 + static_cast<std::int64_t>(at);
  }
  return value;
}

std::unexpected<Error> not_ours() {
  return fail(Errc::invalid, "the return address was not made by this server, or was altered");
}

Result<mail::Address> address_of(std::string_view local, std::string_view domain) {
  auto made = mail::make_address(std::string(local), domain);
  if (!made) return not_ours();
  return made;
}

} // namespace

bool Srs::looks_like(std::string_view local) { return begins_with(local, kFirst) || begins_with(local, kAgain); }

/// `mark` is part of it: neither form can be made of the other.
std::string Srs::hash(std::string_view mark, std::string_view text) const {
  const std::string signed_text = to_lower(std::string(mark) + "=" + std::string(text));
  const std::string mac = sasl::hmac(sasl::ScramHash::sha256, key_, signed_text);
  std::string letters;
  for (std::size_t i = 0; i < kHashLetters; ++i) letters += kLetters[static_cast<unsigned char>(mac[i]) % 32];
  return letters;
}

bool Srs::is_right(std::string_view given, std::string_view mark, std::string_view text) const {
  return equal_constant_time(to_lower(given), to_lower(hash(mark, text)));
}

std::optional<mail::Address> Srs::forward(const mail::Address& sender, const std::string& domain,
                                          std::int64_t day) const {
  if (sender.local.empty() || sender.domain.empty() || sender.is_literal()) return std::nullopt; // also ""@far.test
  std::string signed_part, local;
  std::string_view rest = sender.local;
  if (begins_with(rest, kFirst)) { // the first host takes the bounce from us
    signed_part = sender.domain + "=" + sender.local.substr(kFirst.size());
  } else if (begins_with(rest, kAgain)) { // the first host stays the same, whoever was in between
    rest.remove_prefix(kAgain.size() + 1);
    if (!take(rest)) return std::nullopt;
    signed_part = std::string(rest);
  }
  if (!signed_part.empty()) {
    local = std::string(kAgain) + "=" + hash(kAgain, signed_part) + "=" + signed_part;
  } else {
    signed_part = write_day(day) + "=" + sender.domain + "=" + sender.local;
    local = std::string(kFirst) + "=" + hash(kFirst, signed_part) + "=" + signed_part;
  }
  if (local.size() > mail::kMaxLocalPart) return std::nullopt;
  return mail::Address{std::move(local), domain};
}

Result<mail::Address> Srs::reverse(const mail::Address& address, std::int64_t day) const {
  std::string_view rest = address.local;
  if (!looks_like(rest)) return not_ours();
  const bool again = begins_with(rest, kAgain);
  rest.remove_prefix(kFirst.size() + 1);
  const auto given = take(rest);
  if (!given || !is_right(*given, again ? kAgain : kFirst, rest)) return not_ours();
  if (again) {
    const auto host = take(rest);
    if (!host || rest.empty() || !is_separator(rest[0])) return not_ours();
    return address_of(std::string(kFirst) + std::string(rest), *host);
  }
  const auto stamp = take(rest);
  const auto made = stamp ? read_day(*stamp) : std::nullopt;
  const auto domain = take(rest);
  if (!made || !domain || rest.empty()) return not_ours();
  const std::int64_t age = (((day - *made) % kDays) + kDays) % kDays;
  if (age > kSrsDays && age != kDays - 1) // a clock that is a day behind
    return fail(Errc::timeout, "the return address is too old");
  return address_of(rest, *domain);
}

} // namespace paquebot::policy
