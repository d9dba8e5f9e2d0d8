#pragma once

#include "http/line_reader.h"
#include "http/message.h"

namespace paquebot::http {

struct HeadBounds {
  std::uint32_t start_line = 8192; ///< octets with CRLF; RFC 9112 section 3 wants 8000 at least
  std::uint32_t field = 8192;      ///< octets of a field line with CRLF
  std::uint32_t fields = 100;
  std::uint32_t head = 32768; ///< octets of start line and fields together
};

/// Reads start line and fields of one message after the other (RFC 9112 section 2.1).
class HeadReader {
public:
  enum class Step : std::uint8_t {
    more,           ///< the input is used up
    start,          ///< start_line() is there, and nothing behind it was read
    start_too_long, ///< start_line() is its beginning
    whole,          ///< the empty line has come: take_fields()
  };

  explicit HeadReader(HeadBounds bounds) : bounds_(bounds) {}

  /// Takes from the front of `input`. 400 for what is no head, 431 for one beyond the bounds; nothing may be read after
  /// those. One empty line before the start line is passed over (section 2.2).
  Parsed<Step> read(std::string_view& input);
  /// Valid until the next read().
  std::string_view start_line() const { return line_.line(); }
  /// Something of a message has come; an empty line before it does not count.
  bool started() const { return started_ || !line_.empty(); }
  /// The fields; then the next message begins.
  Fields take_fields();

private:
  Parsed<Step> start_line_read();
  Parsed<Step> field_read();

  HeadBounds bounds_;
  LineReader line_;
  Fields fields_;
  std::size_t octets_ = 0; // of lines read so far
  bool started_ = false;   // the start line was read
  bool skipped_ = false;   // an empty line before it
};

} // namespace paquebot::http
