#pragma once

#include "cli/setup_outgoing.h"

#include <string>
#include <vector>

namespace paquebot::cli {

/// What setup writes down.
struct SetupFile {
  std::string path; ///< of the configuration; "smarthost.password" goes beside it
  std::string hostname;
  std::string data_dir; ///< empty: the usual one
  std::vector<std::string> resolvers;
  Smarthost smarthost;
};

/// Writes both, each whole or not at all, and never over one that is there: `conflict` then.
Result<> write_setup_file(const SetupFile& file);

} // namespace paquebot::cli
