#pragma once

#include "base/result.h"

#include <istream>
#include <streambuf>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// Text from a program with any line ends, given on with CRLF: "\n", "\r\n" and a lone "\r" each end a line. With
/// `dot_ends` a line of one dot ends the text, as sendmail without -i does.
class LineFixer {
public:
  LineFixer(std::istream& in, bool dot_ends) : in_(in), dot_ends_(dot_ends) {}
  /// The next piece, about 64 KiB; empty at the end. The last line gets its CRLF.
  std::string next();
  /// False when reading failed: what came is not the whole text.
  bool good() const { return !in_.bad(); }
  /// What came holds NUL, which no text of lines may.
  bool has_nul() const { return has_nul_; }

private:
  void take(char c, std::string& out);
  void end_line(std::string& out);

  std::istream& in_;
  bool dot_ends_;
  bool after_cr_ = false;
  bool done_ = false;
  bool has_nul_ = false;
  std::string line_;        ///< a line that may still be the lone dot: "" or "."
  bool line_begun_ = false; ///< octets of the line were given on already
};

/// A head, then what a LineFixer gives, as a stream for drop_message.
class MessageBuffer : public std::streambuf {
public:
  MessageBuffer(std::string beginning, LineFixer& rest) : piece_(std::move(beginning)), rest_(rest) {
    setg(piece_.data(), piece_.data(), piece_.data() + piece_.size());
  }

protected:
  /// Throws when reading fails or NUL comes, which makes the stream bad: half a message must not be taken for a whole
  /// one.
  int_type underflow() override;

private:
  std::string piece_;
  LineFixer& rest_;
};

} // namespace paquebot::cli
