#include "policy/base32_number.h"

namespace paquebot::policy {

std::string write_base32(std::uint64_t value, std::size_t letters) {
  std::string text(letters, kBase32Letters[0]);
  for (std::size_t i = letters; i > 0; --i, value /= 32) text[i - 1] = kBase32Letters[value % 32];
  return text;
}

std::optional<std::uint64_t> read_base32(std::string_view text) {
  if (text.size() > 12) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto at = kBase32Letters.find(upper);
    if (at == std::string_view::npos) return std::nullopt;
    value = value * 32 + at;
  }
  return value;
}

} // namespace paquebot::policy
