#pragma once

#include <string>
#include <string_view>

/// Texts of others in UTF-8, for people who read them here.
namespace paquebot::mail {

/// `octets` in UTF-8, whatever they are: what is malformed becomes U+FFFD. `charset` as MIME names it, in any case; one
/// that is unknown, or not of the few dozen in use, is read as UTF-8. NUL becomes U+FFFD, too.
std::string to_utf8(std::string_view octets, std::string_view charset);

/// A field's unfolded value with its encoded words (RFC 2047) decoded, in UTF-8. What is no well-formed word stays as
/// it is; control characters become spaces.
std::string words_in_utf8(std::string_view value);

/// Loads what the C library needs for it, which it can't once the process is confined. Done once; also by the first
/// use.
void load_charsets();

} // namespace paquebot::mail
