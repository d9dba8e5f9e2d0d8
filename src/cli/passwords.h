#pragma once

#include "cli/verbs.h"

#include <string>

namespace paquebot::cli {

/// Where a password may come from, in this order: --generate, --password-file FILE ("-": standard input), the
/// environment variable PAQUEBOT_PASSWORD, the terminal. Never from the command line: other users see that.
struct PasswordSource {
  bool generate = false;
  std::string file;
  std::string prompt;   ///< "Password for ann@example.org"
  bool confirm = false; ///< ask twice on a terminal
};

PasswordSource password_source(const Arguments& arguments, std::string prompt, bool confirm);
/// `invalid` when there is none to be had, or the two typed differ. A generated one is printed by the caller.
Result<std::string> read_password(const PasswordSource& source, Session& session);

} // namespace paquebot::cli
