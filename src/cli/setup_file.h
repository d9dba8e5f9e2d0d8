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
  bool agree_tos = false; ///< then a certificate is ordered, and HTTP is spoken for it and for users' programs
  std::string acme_directory, acme_ca_file;
  std::vector<std::string> acme_allow;
  std::string trust_anchor; ///< records, a line each; empty: the root's
};

/// Writes both, each whole or not at all, and never over one that is there: `conflict` then.
Result<> write_setup_file(const SetupFile& file);

} // namespace paquebot::cli
