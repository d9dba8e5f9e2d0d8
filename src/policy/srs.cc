#include "policy/srs.h"

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/scram.h"

namespace paquebot::policy {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648 section 6
constexpr std::size_t kHashLetters = 6;
constexpr std::size_t kTimeLetters = 8;
constexpr std::int64_t kTimes = std::int64_t{1} << (5 * kTimeLetters); // 34 years of milliseconds
constexpr std::int64_t kDay = 24LL * 3600 * 1000;
constexpr std::string_view kFirst = "SRS0";
constexpr std::string_view kAgain = "SRS1";

bool is_separator(char c) { return c == '=' || c == '+' || c == '-'; }

/// "SRS0" or "SRS1" and one of the separators that are in use.
bool begins_with(std::string_view local, std::string_view mark) {
  return local.size() > mark.size() && istarts_with(local, mark) && is_separator(local[mark.size()]);
}

std::string write_time(std::int64_t ms) {
  std::int64_t value = ((ms % kTimes) + kTimes) % kTimes;
  std::string text(kTimeLetters, 'A');
  for (std::size_t i = kTimeLetters; i > 0; --i, value /= 32)
    text[i - 1] = kLetters[static_cast<std::size_t>(value % 32)];
  return text;
}

std::optional<std::int64_t> read_time(std::string_view text) {
  if (text.size() != kTimeLetters) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto at = kLetters.find(upper);
    if (at == std::string_view::npos) return std::nullopt;
    value = value * 32 + static_cast<std::int64_t>(at);
  }
  return value;
}

/// "hhhhhh" and "tttttttt…" of a local part of ours.
struct HashedLocal {
  std::string_view hash, text;
};

std::optional<HashedLocal> parts_of(std::string_view local) {
  if (!begins_with(local, kFirst)) return std::nullopt;
  local.remove_prefix(kFirst.size() + 1);
  if (local.size() < kHashLetters + 1 + kTimeLetters || local[kHashLetters] != '=') return std::nullopt;
  const HashedLocal parts{local.substr(0, kHashLetters), local.substr(kHashLetters + 1)};
  if (parts.text.size() > kTimeLetters && parts.text[kTimeLetters] != '=') return std::nullopt;
  return parts;
}

/// "=far.test=ann"; nothing where it would not fit into `most` octets or would need quotes or UTF-8.
std::string words_of(const mail::Address& sender, std::size_t most) {
  const std::string words = "=" + sender.domain + "=" + sender.local;
  if (words.size() > most || !is_ascii(words) || sender.domain.empty() || sender.local.empty()) return {};
  const std::string written = mail::Address{"x" + words, "a"}.to_string();
  return written.front() == '"' ? std::string() : words;
}

} // namespace

bool Srs::looks_like(std::string_view local) { return begins_with(local, kFirst) || begins_with(local, kAgain); }

std::string Srs::hash(std::string_view text, const Ulid& message, bool vouched) const {
  std::string signed_text = to_lower(text);
  signed_text += '=';
  signed_text += message.to_string();
  if (vouched) signed_text += "=vouched";
  const std::string mac = sasl::hmac(sasl::ScramHash::sha256, key_, signed_text);
  std::string letters;
  for (std::size_t i = 0; i < kHashLetters; ++i) letters += kLetters[static_cast<unsigned char>(mac[i]) % 32];
  return letters;
}

mail::Address Srs::forward(const mail::Address& sender, const Ulid& message, const std::string& domain,
                           bool vouched) const {
  std::string text = write_time(message.millis());
  const std::size_t taken = kFirst.size() + 1 + kHashLetters + 1 + text.size();
  text += words_of(sender, mail::kMaxLocalPart - taken);
  return {std::string(kFirst) + "=" + hash(text, message, vouched) + "=" + text, domain};
}

std::optional<std::int64_t> Srs::time_of(std::string_view local, std::int64_t now) {
  const auto parts = parts_of(local);
  const auto value = parts ? read_time(parts->text.substr(0, kTimeLetters)) : std::nullopt;
  if (!value) return std::nullopt;
  const std::int64_t latest = now + kDay;
  const std::int64_t age = (((latest - *value) % kTimes) + kTimes) % kTimes;
  return latest - age;
}

std::optional<bool> Srs::serves(std::string_view local, const Ulid& message) const {
  const auto parts = parts_of(local);
  if (!parts) return std::nullopt;
  for (const bool vouched : {false, true})
    if (equal_constant_time(to_lower(parts->hash), to_lower(hash(parts->text, message, vouched)))) return vouched;
  return std::nullopt;
}

} // namespace paquebot::policy
