#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::pop3 {

/// Makes a message into the multi-line reply of RFC 1939 section 3, piece by piece: a line that begins with a dot gets
/// one more, and the whole ends with CRLF "." CRLF. Also cuts it for TOP (section 7): the header, the empty line and so
/// many lines of the body. Example: "A: b" CRLF CRLF ".x" CRLF becomes "A: b" CRLF CRLF "..x" CRLF "." CRLF.
class MessageEncoder {
public:
  /// `body_lines`: how many for TOP; nothing for the whole message.
  explicit MessageEncoder(std::optional<std::uint32_t> body_lines = {}) : body_lines_(body_lines) {}

  /// Appends the encoded piece to `out`. True once TOP has all it wants: give no more, call finish().
  bool encode(std::string_view piece, std::string& out);
  /// Appends the end; a message that doesn't end with CRLF gets one first.
  void finish(std::string& out) const;

private:
  void encode_whole(std::string_view piece, std::string& out);
  void note_line_end();

  std::optional<std::uint32_t> body_lines_;
  bool in_header_ = true;
  bool enough_ = false;
  bool line_start_ = true;
  bool line_blank_ = true; // this line holds nothing, or one CR, so far
  char last_ = '\n';
  char before_last_ = '\r';
};

} // namespace paquebot::pop3
