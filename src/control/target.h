#pragma once

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::control {

/// A request target taken apart (RFC 3986 sections 3.3 and 3.4): "/v1/accounts/ann%40example.org?full=1".
struct Target {
  std::vector<std::string> segments;        ///< "v1", "accounts", "ann@example.org"
  std::map<std::string, std::string> query; ///< "full" to "1"
};

/// `invalid` on broken percent-encoding, no "/" in front, a name given twice, or more than 16 segments or names.
Result<Target> parse_target(std::string_view text);

/// A name as one segment of a path: as percent_encode(), but "/" is "~1" and "~" is "~0", since many programs between
/// two others refuse or undo %2F. parse_target() undoes it.
std::string path_encode(std::string_view text);
/// One value for a query: all but unreserved characters as %XX.
std::string percent_encode(std::string_view text);
/// Nothing on broken encoding or a NUL.
Result<std::string> percent_decode(std::string_view text);

} // namespace paquebot::control
