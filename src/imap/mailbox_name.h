#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::imap {

/// Levels of a name are parted by this.
inline constexpr char kDelimiter = '/';
inline constexpr std::size_t kMaxName = 1000; ///< octets of UTF-8
inline constexpr std::size_t kMaxLevels = 30;

/// A mailbox's name from the wire as it is kept: UTF-8, INBOX in any case one name, also in front of "/". `utf8`: the
/// client has agreed to it (RFC 6855, RFC 9051), else it writes modified UTF-7. Nothing when it can't be a name at all.
std::optional<std::string> read_name(std::string_view wire, bool utf8);
/// The same of a pattern of LIST, whose wildcards stay.
std::optional<std::string> read_pattern(std::string_view wire, bool utf8);
std::string write_name(std::string_view name, bool utf8);
/// Whether a mailbox may be made under that name: no empty level, no wildcard, no control character, within the bounds
/// above. What is wrong, or nothing.
std::optional<std::string_view> refusal_of_name(std::string_view name);
/// LIST's patterns: "*" stands for anything, "%" for anything within a level (RFC 9051 section 6.3.9). Linear in the
/// product of wild_octets() and the name's length at most.
bool name_matches(std::string_view pattern, std::string_view name);
/// Octets of a pattern from its first wildcard on; 0: it has none.
std::size_t wild_octets(std::string_view pattern);

} // namespace paquebot::imap
