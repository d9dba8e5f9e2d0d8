#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace paquebot::pop3 {

/// Cuts input into lines, each of at most so many octets, and overwrites what was used (it may have been a password).
/// A line ends with LF; one CR before it belongs to the end. Holds what was appended and not yet taken: the caller
/// bounds that by appending only when next() said `none`.
class LineBuffer {
public:
  enum class Status {
    line,     ///< `line` is one, without its end
    none,     ///< append more
    too_long, ///< said once for a line beyond the bound; its rest is skipped
  };

  LineBuffer() = default;
  ~LineBuffer();
  LineBuffer(const LineBuffer&) = delete;
  LineBuffer& operator=(const LineBuffer&) = delete;

  void append(std::string_view bytes);
  /// The next line of at most `max` octets with CRLF. The view is valid until the next call of any member.
  Status next(std::size_t max, std::string_view& line);
  /// Whether the line that comes next begins with `word`, in any case, as far as it is there.
  bool begins_with(std::string_view word) const;
  /// Whether nothing waits.
  bool empty() const { return used_ == data_.size(); }
  /// What was appended and not handed out, which is then forgotten: for input that stops being lines.
  std::string take_rest();
  /// Forgets and overwrites everything, a skipped line too.
  void clear();

private:
  void drop_used();

  std::string data_;
  std::size_t used_ = 0;    // octets of data_ that were handed out
  std::size_t scanned_ = 0; // octets from the start of data_ known to hold no LF after used_
  bool skipping_ = false;   // inside a line that was reported as too long
};

} // namespace paquebot::pop3
