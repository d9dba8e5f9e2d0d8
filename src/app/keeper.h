#pragma once

#include "app/config.h"
#include "base/result.h"

#include <memory>
#include <string>

namespace paquebot::app {

/// A small process that stays root when the server drops to its user, and outside of its sandbox, so that a reload can still
/// read the configuration, keys and passwords. It knows one request, "read everything again", and reads only the configuration file given at the start and
/// the files named in it: whoever takes over the server can't make it read anything else. It ends with the server.
class Keeper {
public:
  /// Forks; call while single-threaded, with the rights that reading needs. `confined`: it gives up all others (sandbox.h).
  static Result<std::unique_ptr<Keeper>> start(const std::string& config_path, bool confined);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Reads the configuration through the keeper. Blocking, for milliseconds.
  Result<Config> load(const std::string& config_path);

private:
  Keeper(int socket, int pid) : socket_(socket), pid_(pid) {}
  int socket_;
  int pid_;
};

} // namespace paquebot::app
