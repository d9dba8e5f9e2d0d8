#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Sizes and times as people write and read them: one form for the configuration, the commands, and what they print, so
/// that whatever is printed can be written too.
namespace paquebot {

/// "64KiB", "50 MiB", "1.5G", "2TB", "812 B", or a bare number of octets: always powers of 1024, whichever way the unit
/// is written. Nothing for anything else, also what has more than 63 bits.
std::optional<std::uint64_t> parse_octets(std::string_view text);
/// "3.2 MiB", "812 B".
std::string octets_text(std::uint64_t octets);

/// "30s", "5m", "5 min", "4h", "5d", "2 days", or a bare number of seconds. Nothing for anything else, also what has
/// more than 63 bits in milliseconds.
std::optional<std::int64_t> parse_seconds(std::string_view text);
/// "45 s", "4 min", "3 h", "2 days": the largest unit that fits, rounded down; days from two on.
std::string seconds_text(std::int64_t seconds);

} // namespace paquebot
