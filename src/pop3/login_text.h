#pragma once

#include <string_view>

namespace paquebot::pop3 {

/// Whether a user name or password may be taken (RFC 6856 section 2.2): well-formed UTF-8 without the characters of RFC
/// 4013 section 2.3 (controls, private use, non-characters, direction marks, tags and the like). ASCII spaces are fine.
bool login_text_allowed(std::string_view text);

} // namespace paquebot::pop3
