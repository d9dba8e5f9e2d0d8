#pragma once

#include <string>
#include <string_view>

namespace paquebot::mail {

/// `text` as encoded words of RFC 2047 in base 64, each at most 75 octets (section 2), folded between them with CRLF
/// and a space. The charset is utf-8, or unknown-8bit (RFC 1428) where the text is not UTF-8. CR, LF and NUL become
/// spaces. Empty for an empty text. Example: "é" gives "=?utf-8?B?w6k=?=".
std::string encode_words(std::string_view text);

} // namespace paquebot::mail
