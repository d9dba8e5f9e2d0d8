#pragma once

#include "cli/verbs.h"

#include <string>
#include <vector>

namespace paquebot::cli {

/// Parses `arguments` (the program's name first) by the table of verbs and runs the verb. Help and usage errors are
/// printed here.
int run_command_line(const std::vector<std::string>& arguments, Session& session);

} // namespace paquebot::cli
