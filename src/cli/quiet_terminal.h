#pragma once

#include <cstddef>
#include <string>

namespace paquebot::cli {

/// The terminal of this process (/dev/tty), without echo while this lives; one at a time. A signal that ends or stops
/// the process
/// (^C, ^\, ^Z, SIGTERM, SIGHUP) gives the terminal back first, and one that lets it go on makes it quiet again.
class QuietTerminal {
public:
  QuietTerminal();
  ~QuietTerminal();
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  /// False when there is no terminal.
  bool usable() const { return usable_; }
  /// "PROMPT: ", then a line, at most `most` octets; empty at the end of input.
  std::string ask(const std::string& prompt, std::size_t most) const;

private:
  int descriptor_;
  bool usable_ = false;
};

} // namespace paquebot::cli
