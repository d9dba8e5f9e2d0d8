#pragma once

#include "base/clock.h"

#include <optional>
#include <string>
#include <string_view>

namespace paquebot::mail {

/// "2026-11-23T11:58:12Z" (RFC 3339 section 5.6, in UTC), parts of a second cut off. As FUTURERELEASE writes times (RFC
/// 4865).
std::string format_timestamp(WallTime when);

/// Reads the same, with an optional fraction of a second of at most nine digits, cut to milliseconds. The zone must be
/// "Z": RFC 4865 section 3 wants UTC. Nothing on anything else, such as the 30th of February or the hour 24.
std::optional<WallTime> parse_timestamp(std::string_view text);

} // namespace paquebot::mail
