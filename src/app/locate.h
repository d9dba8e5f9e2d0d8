#pragma once

#include "cli/cli.h"

#include <string>

namespace paquebot::app {

/// Where the server that a configuration file describes keeps its things and listens. Reads only that file, not the
/// keys and passwords that it names.
Result<cli::ServerPlace> locate(const std::string& config_path);

} // namespace paquebot::app
