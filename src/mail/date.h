#pragma once

#include "base/clock.h"

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::mail {

/// "Mon, 23 Nov 2026 11:58:12 +0000" (RFC 5322 section 3.3), in the zone `offset_minutes` east of UTC.
std::string format_date(WallTime when, int offset_minutes = 0);

/// Reads a date-time tolerantly: day name optional and not checked, comments skipped, two and three
/// digit years, seconds optional, zones by name or missing (taken as UTC; RFC 5322 section 4.3). Nothing on
/// anything else, nor for years beyond 1900 to 9999.
std::optional<WallTime> parse_date(std::string_view text);

} // namespace paquebot::mail
