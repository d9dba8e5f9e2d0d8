#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::smtp {

/// RFC 3461 section 4.2: ORCPT is at most 500 characters as sent.
inline constexpr std::size_t kMaxOrcpt = 500;

/// "type;address" as ORCPT carries it, decoded: xtext, or for type "utf-8" the \x{HEX} of RFC 6533 section 3.
/// The result is UTF-8 without control characters; nothing for a malformed value.
std::optional<std::string> decode_orcpt(std::string_view value);

/// The way back, always in ASCII.
std::string encode_orcpt(std::string_view decoded);

} // namespace paquebot::smtp
