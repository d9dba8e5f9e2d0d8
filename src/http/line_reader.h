#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::http {

/// Puts lines together, octet by octet, so that what comes out does not depend on how the input is cut. A line ends
/// with CRLF and with nothing else (RFC 9112 section 2.2 lets a server take a bare LF: requests are smuggled through
/// such doors).
class LineReader {
public:
  enum class Status : std::uint8_t {
    more,     ///< the input is used up
    line,     ///< line() is one
    bad,      ///< a bare CR, a bare LF or another control character than HTAB; the rest is not read
    too_long, ///< more than `most` octets; line() is the beginning; the rest is not read
  };

  /// Takes from the front of `input`. `most` counts octets with CRLF; the same for a whole line.
  Status read(std::string_view& input, std::size_t most);
  /// Without its CRLF; valid until the next read().
  std::string_view line() const { return line_; }
  /// Nothing of a line has come.
  bool empty() const { return line_.empty() && !cr_; }
  void reset();

private:
  std::string line_;
  bool cr_ = false;   // a CR has come, which only LF may follow
  bool done_ = false; // line_ was handed out
};

} // namespace paquebot::http
