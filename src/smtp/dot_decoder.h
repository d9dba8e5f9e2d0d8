#pragma once

#include <cstdint>
#include <string_view>

namespace paquebot::smtp {

/// Undoes the dot-stuffing of message data (RFC 5321 section 4.5.2) without copying it. Only CRLF.CRLF ends the data
/// (section 4.1.1.4; a "." between bare LFs or CRs is content, which is what stops smuggling).
///
/// The input "a\r\n..b\r\n.\r\nNOOP\r\n" comes out as the views "a\r\n" and ".b\r\n"; then done() is true and
/// "NOOP\r\n" is left. Any split of the input gives the same content.
class DotDecoder {
public:
  /// Takes from the front of `input` and returns the next piece of content: a view into `input`, as long as possible,
  /// or empty when the input is used up or the end was reached.
  std::string_view next(std::string_view& input);

  /// The end of data was seen: what is left of the input is not data.
  bool done() const { return state_ == State::done; }
  /// A CR without LF was seen so far.
  bool bare_cr() const { return bare_cr_; }
  /// An LF without CR. It is content, which mail::LineMender may mend, and ends nothing.
  bool bare_lf() const { return bare_lf_; }
  bool bare() const { return bare_cr_ || bare_lf_; }
  /// A NUL: a server that drops it may find an end of data where there is none.
  bool nul() const { return nul_; }

  /// Ready for another message.
  void reset() { *this = DotDecoder(); }

private:
  /// Where the input stands: at the beginning of a line, within one, after a CR, after a dot that began a line (it is
  /// dropped in any case), after the CR behind such a dot (held back: it may be the end).
  enum class State : std::uint8_t { line_start, within, after_cr, after_dot, after_dot_cr, done };

  bool step_over_dot(std::string_view& input, std::string_view& piece);
  std::size_t run_length(std::string_view input);

  State state_ = State::line_start;
  bool bare_cr_ = false;
  bool bare_lf_ = false;
  bool nul_ = false;
};

} // namespace paquebot::smtp
