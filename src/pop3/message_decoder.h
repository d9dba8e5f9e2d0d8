#pragma once

#include <string>
#include <string_view>

namespace paquebot::pop3 {

/// Reads the multi-line reply of RFC 1939 section 3 as a message comes in it: takes the extra dots away, finds the end,
/// and makes every line end a CRLF. Lines of any length pass in pieces.
class MessageDecoder {
public:
  /// Reads from the front of `bytes`, appends to `out`; how many octets it took (always all of them until the end).
  std::size_t decode(std::string_view bytes, std::string& out);
  /// The line with the lone dot was read.
  bool ended() const { return state_ == State::ended; }

private:
  enum class State {
    line_start,
    dot,    // "." at the start of a line
    dot_cr, // "." CR
    inside,
    cr, // CR, perhaps of a line's end
    ended,
  };
  void step(char c, std::string& out);

  State state_ = State::line_start;
};

} // namespace paquebot::pop3
