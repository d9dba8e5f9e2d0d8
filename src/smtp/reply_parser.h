#pragma once

#include "mail/status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::smtp {

/// Reads a server's replies (RFC 5321 section 4.2), one or several lines each, whatever the pieces they come in.
/// Strict in what tells replies apart (three digits, "-" or " ", the same code on all lines), tolerant otherwise: no
/// text at all, LF without CR, any octets in the text (what does not print becomes "?"), lines and numbers of lines
/// beyond what RFC 5321 section 4.5.3.1.5 allows: whoever took a message and says so at length has taken it.
class ReplyParser {
public:
  enum class Status : std::uint8_t { none, reply, malformed };
  /// Octets of text kept of one reply; more is dropped.
  static constexpr std::size_t kMostText = 16 * 1024;
  /// Octets of one reply; a longer one is malformed.
  static constexpr std::size_t kMostOctets = 1024 * 1024;

  /// `max_line`: octets of a line; `max_lines`: of one reply. What is beyond either is read and dropped.
  ReplyParser(std::size_t max_line, std::size_t max_lines) : max_line_(max_line), max_lines_(max_lines) {}

  /// Takes from the front of `input`. After `malformed` nothing more can be read.
  Status next(std::string_view& input);
  /// The reply of the last Status::reply: enhanced code split off, lines joined by '\n'.
  mail::Reply take();
  /// Nothing of an unfinished reply is held.
  bool empty() const { return octets_ == 0; }

private:
  Status add_line(std::string_view line);

  const std::size_t max_line_, max_lines_;
  std::string line_; ///< the beginning of a line that came in pieces
  mail::Reply reply_;
  std::size_t lines_ = 0, octets_ = 0; ///< of the reply being read
};

} // namespace paquebot::smtp
