#pragma once

#include <string>

namespace paquebot::app {

/// Runs the server in the foreground until SIGTERM or SIGINT. Returns the exit code: 0 after an orderly stop, 78 for a
/// bad configuration, 71 when a port, the store or the user can't be had.
int serve(const std::string& config_path, const std::string& version);

} // namespace paquebot::app
