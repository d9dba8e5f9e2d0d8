#pragma once

#include <cstddef>
#include <string_view>

namespace paquebot::mail {

/// The longest line that SMTP carries, without its CRLF (RFC 5321 section 4.5.3.1.6).
inline constexpr std::size_t kMaxLine = 998;

/// What a content holds that decides how it may travel. Feed it in chunks of any size; call finish()
/// before looking at bare_cr after the last one.
struct ContentScan {
  bool has_8bit = false;
  bool has_nul = false;
  bool bare_cr = false;
  bool bare_lf = false;
  std::size_t longest_line = 0; ///< octets without the line's end

  void feed(std::string_view chunk);
  void finish();
  /// Fits 7-bit transport as it is.
  bool seven_bit() const { return !has_8bit && !has_nul && longest_line <= kMaxLine; }

private:
  std::size_t line_ = 0;  ///< octets of the line so far, a final CR included
  bool after_cr_ = false; ///< the last octet was CR
};

} // namespace paquebot::mail
