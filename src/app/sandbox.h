#pragma once

#include "app/config.h"
#include "app/landlock.h"

#include <string>
#include <vector>

namespace paquebot::app {

/// What a process gave up, in words for the log: "yes", "abi7", "87 calls refused", or "unavailable" and why.
struct Confinement {
  bool whole = true; ///< everything that there is to give up was given up
  std::string no_new_privileges;
  std::string landlock;
  std::string seccomp;
  std::string why; ///< what was not available
};

/// A build with a sanitizer: its checkers trace their own process and map what they like, so nothing but new privileges
/// is given up there.
extern const bool kSanitizerBuild;

/// Every path that the running server needs, from its configuration. Reading covers the system's own files (libraries,
/// roots of certificates, the resolver's); the configuration and what it names is left to the keeper.
std::vector<PathRule> server_paths(const Config& config);

/// Gives up for good what the server does not need once it has bound its ports and dropped root (docs/security.md,
/// "Sandbox"). Call while single-threaded: Landlock binds the calling thread and those that it starts. What the kernel
/// can't do is left out and told.
Confinement confine_server(const std::vector<PathRule>& paths);
/// The same for the keeper (keeper.h): it reads any file, writes none, and makes no socket.
Confinement confine_keeper();
/// Logs one line: event=sandboxed.
void log_confinement(const Confinement& done);

} // namespace paquebot::app
