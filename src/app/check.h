#pragma once

#include "cli/cli.h"

#include <string>

namespace paquebot::app {

/// What a start with this configuration would meet now: what is in the file, in the files that it names, and on this
/// machine (its user, ports and folders). Changes nothing.
cli::CheckReport check(const std::string& config_path);

} // namespace paquebot::app
