#pragma once

#include <cstdint>
#include <string_view>

namespace paquebot::mail {

/// Gives lines that a program ended with LF alone the CRLF of mail (RFC 5321 section 2.3.8), without copying what is
/// right. A CR without LF is left as it is: ContentScan tells of it.
///
/// The input "a\nb\r\n" comes out as the views "a", "\r\n" and "b\r\n". Any split of the input gives the same content.
class LineMender {
public:
  /// Takes from the front of `input` and returns the next piece: a view into `input`, as long as possible, or the line
  /// end that was made; empty when the input is used up.
  std::string_view next(std::string_view& input);
  /// Line ends that were made so far.
  std::uint64_t mended() const { return mended_; }

private:
  bool after_cr_ = false; ///< the last octet was CR
  std::uint64_t mended_ = 0;
};

} // namespace paquebot::mail
