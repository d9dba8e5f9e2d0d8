#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace paquebot::app {

/// What a process may do at and below a path.
enum class PathAccess {
  read,   ///< read files, list folders
  device, ///< read and write a file that is there
  log,    ///< make files and append to them
  socket, ///< make and remove sockets
  all,    ///< all of it but running programs: read, write, make, rename, remove
};

struct PathRule {
  std::string path;
  PathAccess access = PathAccess::read;
};

/// The version of Landlock that the kernel speaks; 0: it has none, or it is switched off.
int landlock_version();

/// Takes from the calling thread, and all that it starts, for good: every access to files that no rule gives, running
/// programs, and as far as the kernel's version knows them, binding to TCP ports of its choice, signals to other
/// processes and abstract sockets. What is open stays open. A rule for a path that does not exist is left out. Needs
/// no_new_privs. Errors: `unsupported` without Landlock, else `io`.
Result<> landlock(const std::vector<PathRule>& rules);

} // namespace paquebot::app
