#pragma once

#include "dialog.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::dialogs {

/// An engine with everything around it simulated: it answers its own questions from the fixed directory.
class Engine {
public:
  virtual ~Engine() = default;
  /// Feeds bytes and performs actions until input is needed. Bytes that a driver would drop are dropped.
  virtual void feed(std::string_view bytes) = 0;
  virtual void tls() = 0;
  virtual void eof() = 0;
  virtual void timeout() = 0;
  /// The outside's next answer to a question: "rcpt 550 5.1.1 text". False when it isn't understood.
  virtual bool set_answer(std::string_view answer) = 0;
  virtual bool closed() const = 0;

  std::string output;                ///< what the server sent and the player has not taken yet
  std::vector<std::string> accepted; ///< contents of accepted messages, not taken yet
  std::vector<std::string> broken;   ///< broken promises of the engine towards its driver
};

/// How the client's bytes are cut: all that is sent at once in one piece, each octet alone, or in two at one octet of
/// the whole conversation.
struct Cut {
  bool every_octet = false;
  std::size_t at = 0; ///< 0: nowhere
};

/// Plays the dialog; says what went wrong, with file and line, or nothing. `transcript` gets all that the server sent.
std::optional<std::string> play(const Dialog& dialog, Engine& engine, Cut cut, std::string* transcript = nullptr);

/// Octets that the client sends in the whole dialog.
std::size_t client_octets(const Dialog& dialog);

} // namespace paquebot::dialogs
