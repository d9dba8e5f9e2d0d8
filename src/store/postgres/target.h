#pragma once

#include "base/result.h"

#include <string>
#include <utility>
#include <vector>

namespace paquebot::store::postgres {

/// How to reach a database: libpq's settings. Nothing of it is ever shown.
struct Target {
  std::vector<std::pair<std::string, std::string>> settings;
};

/// Of "postgresql://…" as libpq takes it. `invalid` for what is no such URL, and for one with a password in it: that
/// belongs into a file (passfile) or a service, since a URL is seen where settings are shown. A server that is reached
/// by a network is asked for a certificate of its name (sslmode=verify-full) unless the URL says otherwise; what a
/// service's file says of that does not count.
Result<Target> target_of(const std::string& url);
/// The files outside of the system's own that are read to reach it.
std::vector<std::string> files_of(const Target& target);

} // namespace paquebot::store::postgres
