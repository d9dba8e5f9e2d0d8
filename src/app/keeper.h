#pragma once

#include "app/config.h"
#include "base/result.h"
#include "base/rights.h"

#include <chrono>
#include <memory>
#include <string>

namespace paquebot::app {

struct KeeperOptions {
  bool confined = true;                       ///< it gives up all rights but reading (sandbox.h)
  std::chrono::milliseconds patience{10'000}; ///< for all files of one request together
  FileSource files = read_file;               ///< for tests: what else could block
};

/// A small process that stays root when the server drops to its user, and outside of its sandbox, so that a reload can
/// still read the configuration, keys and passwords. It knows two requests, "read everything again" and "has something
/// changed", and looks only at the configuration file given at the start and the files named in it: whoever takes over
/// the server can't make it read anything else. A file that does not answer (a dead network file system) holds up
/// nobody but the one who asks, for `patience`. It ends with the server.
class Keeper {
public:
  /// Forks; call while single-threaded, with the rights that reading needs.
  static Result<std::unique_ptr<Keeper>> start(const std::string& config_path, KeeperOptions options);
  /// Ends it, and waits for that a moment: one that stands in a dead file system can't end before that answers.
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Reads the configuration through the keeper. Blocks; from one thread only. `timeout` names the file that did not
  /// answer.
  Result<Config> load(const std::string& config_path);
  /// A text that differs from the last one when a file that the last load read (or would have, before the first) has
  /// changed. Likewise.
  Result<std::string> fingerprint();
  /// Lets whoever waits above go, with an error; nothing can be asked any more. From any thread.
  void give_up();
  int pid() const { return pid_; }

private:
  Keeper(int socket, int pid, std::chrono::milliseconds patience) : socket_(socket), pid_(pid), patience_(patience) {}
  Result<std::string> ask(char what);
  /// More of the answer, or why there is none.
  Result<> receive(std::chrono::steady_clock::time_point until);

  Descriptor socket_;
  int pid_;
  std::chrono::milliseconds patience_;
  std::uint32_t asked_ = 0; ///< number of the last request
  std::string incoming_;    ///< of answers, also late ones to what nobody waits for any more
};

} // namespace paquebot::app
