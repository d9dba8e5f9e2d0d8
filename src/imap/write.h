#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::imap {

/// Appends `text` as a string: quoted when it is printable ASCII of moderate length, else as a literal. NUL, which no
/// string may hold, is left out.
void put_string(std::string& out, std::string_view text);
/// The same, NIL for an empty one.
void put_nstring(std::string& out, std::string_view text);
/// " 1-Jul-2026 02:44:25 +0000" with its quotes: an INTERNALDATE, in UTC.
void put_date_time(std::string& out, std::int64_t when);
/// As clients know a mailbox and a message whatever becomes of them (RFC 8474): "F12", "M0193…".
std::string mailbox_id(std::int64_t id);
std::string email_id(const std::array<unsigned char, 16>& id);
/// The content of a quoted date-time of APPEND; milliseconds since 1970. Nothing when it is none.
std::optional<std::int64_t> parse_date_time(std::string_view text);
/// "1-Feb-2026" of SEARCH: days since 1970.
std::optional<std::int64_t> parse_date(std::string_view text);
/// Days since 1970 of a time in UTC.
std::int64_t day_of(std::int64_t when);

} // namespace paquebot::imap
