#pragma once

#include <string>
#include <string_view>

namespace paquebot::smtp {

/// Dot-stuffs content for DATA (RFC 5321 section 4.5.2). Every CRLF, bare CR and bare LF comes out as CRLF, so that
/// nothing we send can be read as an end of data by a server that takes other line ends for one.
class DotEncoder {
public:
  /// Without `stuff` only the line ends are seen to, for BDAT, where nothing in the content ends it (RFC 3030) but the
  /// next server may send it on by DATA.
  explicit DotEncoder(bool stuff = true) : stuff_(stuff) {}
  /// Appends the encoded form of the next piece to `out`. Any split gives the same output.
  void encode(std::string_view piece, std::string& out);
  /// Appends the end: a CRLF when the last line has none, and (when stuffing) ".\r\n". Ready for another message then.
  void finish(std::string& out);

private:
  bool stuff_;
  bool line_start_ = true;
  bool after_cr_ = false; ///< the CR was written as CRLF already; an LF that follows belongs to it
};

} // namespace paquebot::smtp
