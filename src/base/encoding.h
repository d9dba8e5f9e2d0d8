#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot {

/// RFC 4648 base 64 with padding.
std::string base64_encode(std::string_view bytes);
/// Strict: the alphabet, correct padding, no white space; nothing on anything else.
std::optional<std::string> base64_decode(std::string_view text);

/// RFC 3461 section 4 xtext: "+" and two upper-case hex digits for all but printable ASCII, and "+" and "=".
std::string xtext_encode(std::string_view bytes);
/// Nothing on malformed input; hex digits of either case are read.
std::optional<std::string> xtext_decode(std::string_view text);

/// Lower-case hexadecimal.
std::string hex_encode(std::string_view bytes);

/// Compares without revealing by its time where two strings differ.
bool equal_constant_time(std::string_view a, std::string_view b);

} // namespace paquebot
