#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::smtp {

/// Cuts input into lines, whatever the pieces it comes in; a part of a line is kept until the rest comes. Bounded: of a
/// line that is too long only its end is looked for.
class LineReader {
public:
  enum class Status : std::uint8_t {
    none,     ///< the input is used up, no line is complete
    line,     ///< line() is a line without its CRLF
    bare_lf,  ///< the line ended with LF alone: RFC 5321 section 2.3.8 knows only CRLF
    too_long, ///< the end of an overlong line was found; it was dropped
    endless,  ///< an overlong line does not end within kMostSkipped octets
  };
  /// After so much of one line the peer is not speaking our protocol.
  static constexpr std::size_t kMostSkipped = 64 * 1024;

  /// Takes from the front of `input`. `max_line`: octets with the line end.
  Status next(std::string_view& input, std::size_t max_line);
  /// Whether the line that next() would read begins with `word`, in any case. `input` as for next().
  bool begins_with(std::string_view input, std::string_view word) const;
  /// Valid until next(), and while the input it was given lives.
  std::string_view line() const { return line_; }
  /// Forgets the line, wiping what was kept of it (it may have held a password).
  void forget();
  /// Gives back the memory of the last line, if nothing of the next one is kept.
  void rest();

private:
  Status finish(std::string_view whole);

  std::string kept_;        ///< the beginning of a line that came in pieces
  std::string_view line_;   ///< the last line, in kept_ or in the input
  std::size_t skipped_ = 0; ///< octets dropped of an overlong line
  bool used_ = false;       ///< kept_ holds the last line given, not the beginning of the next
};

} // namespace paquebot::smtp
