#pragma once

#include "cli/sink_options.h"

#include <string>

namespace paquebot::sink {

/// Runs the sink in the foreground until SIGTERM or SIGINT. Returns the exit code (cli::Exit).
int run_sink(const cli::SinkOptions& options, const std::string& version);

} // namespace paquebot::sink
