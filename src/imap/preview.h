#pragma once

#include "mail/mime_structure.h"

#include <cstddef>
#include <string>
#include <string_view>

/// The first words of a message (RFC 8970).
namespace paquebot::imap {

inline constexpr std::size_t kPreviewedOctets = 64u << 10; ///< of the part, as it is encoded
inline constexpr std::size_t kPreviewCharacters = 200;

/// The part that people read: the first text/plain that is no attachment, else the first text/html. Null: none is.
const mail::MimePart* find_readable(const mail::MimePart& message);
/// UTF-8 in one line. `octets` of the part, its transfer encoding undone.
std::string preview_of(const mail::MimePart& part, std::string_view octets);

} // namespace paquebot::imap
