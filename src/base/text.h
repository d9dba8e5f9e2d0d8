#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot {

/// WSP, DIGIT and ALPHA of RFC 5234 appendix B.1.
[[nodiscard]] constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
/// What folding white space is made of (RFC 5322 section 3.2.2).
[[nodiscard]] constexpr bool is_space(char c) { return is_wsp(c) || c == '\r' || c == '\n'; }

/// ASCII only, independent of the locale: the protocols define it so.
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string to_lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
/// Strips spaces, tabs, CR and LF at both ends.
std::string_view trim(std::string_view text);
/// Splits at every `separator`; an empty text gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Decimal digits only, no sign, no space; nothing when empty, malformed or beyond 64 bits.
std::optional<std::uint64_t> parse_u64(std::string_view text);
/// Well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view text);
bool is_ascii(std::string_view text);
/// Octets (1 to 4) of the well-formed UTF-8 character that `text` begins with; 0 when it begins with none.
std::size_t utf8_length(std::string_view text);
/// The same, but 0 also for what must not reach a terminal: C0 and C1 control characters and DEL.
std::size_t printable_length(std::string_view text);
/// How many octets at the beginning are printable ASCII: what most text is all of, and so needs no look at each
/// character.
std::size_t plain_length(std::string_view text);
/// Printable form for a terminal or log: control characters and invalid UTF-8 as \xNN, cut at `most` bytes with "…".
std::string printable(std::string_view text, std::size_t most = 512);

} // namespace paquebot
