#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::imap {

/// Modified UTF-7 of mailbox names (RFC 3501 section 5.1.3) as UTF-8. Nothing when it is malformed, or is not the one
/// way to write that name: two names of one mailbox would be two mailboxes to clients.
std::optional<std::string> utf7_decode(std::string_view text);
/// Well-formed UTF-8 as modified UTF-7.
std::string utf7_encode(std::string_view utf8);

} // namespace paquebot::imap
