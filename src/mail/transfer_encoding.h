#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::mail {

/// Quoted-printable (RFC 2045 section 6.7) of a text in chunks of any size; CRLF and LF are line ends. Lines of the
/// output have at most 76 octets; none begins with "F" (mbox files cut at "From ") or "-" (a soft line break
/// could make a multipart's delimiter).
class QuotedPrintableEncoder {
public:
  void feed(std::string_view chunk, std::string& out);
  void finish(std::string& out);
  /// Nothing was written since the last line end.
  bool at_line_start() const { return column_ == 0; }

private:
  void put(char c, std::string& out);
  void put_encoded(char c, std::string& out);
  void soft_break(std::size_t need, std::string& out);
  void flush_space(bool line_ends, std::string& out);
  void end_line(std::string& out);

  std::size_t column_ = 0;
  char space_ = 0; ///< a space or tab that may turn out to end its line
  bool cr_ = false;
};

/// Undoes quoted-printable; what is no valid escape stays as it is (RFC 2045 section 6.7, notes on robustness).
std::string quoted_printable_decode(std::string_view text);

/// Base 64 in lines of 76 (RFC 2045 section 6.8); the last line has no CRLF.
class Base64Encoder {
public:
  void feed(std::string_view chunk, std::string& out);
  void finish(std::string& out);
  bool at_line_start() const { return column_ == 0; }

private:
  void put(std::string_view group, std::string& out);

  std::string rest_; ///< up to two octets that make no group yet
  std::size_t column_ = 0;
};

} // namespace paquebot::mail
