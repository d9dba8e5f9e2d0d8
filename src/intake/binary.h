#pragma once

#include "mail/convert.h"

#include <string>
#include <string_view>

namespace paquebot::intake {

/// Turns a message that came with BODY=BINARYMIME (RFC 3030) into one of lines, as it comes: what mailboxes, POP3 and
/// servers without BINARYMIME can carry. Parts that hold NUL, stray CR or LF or endless lines become base64; what is
/// fine as 8-bit lines stays.
class BinaryToLines {
public:
  /// Appends to `out` what is decided so far. Errc::unsupported when the message can't be changed without breaking it
  /// (malformed MIME, a signed part), Errc::invalid when its header block is too large; then no further use.
  Result<> feed(std::string_view chunk, std::string& out);
  /// The message is over: the rest. What came out as a whole ends with CRLF.
  Result<> finish(std::string& out);

private:
  Result<> begin(std::string& out);

  mail::HeadSplitter splitter_;
  mail::MessageConverter converter_{mail::Conversion{.from_binary = true, .to_eight_bit = true}};
  bool begun_ = false;
  char last_ = '\n'; ///< of all that came out
};

} // namespace paquebot::intake
