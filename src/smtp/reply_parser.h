#pragma once

#include "mail/status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::smtp {

/// Reads a server's replies (RFC 5321 section 4.2), one or several lines each, whatever the pieces they come in.
/// Strict in what tells replies apart (three digits, "-" or " ", the same code on all lines), tolerant otherwise: no
/// text at all, LF without CR, any octets in the text (what does not print becomes "?").
class ReplyParser {
public:
  enum class Status : std::uint8_t { none, reply, malformed };
  /// Octets of text kept of one reply; more is dropped.
  static constexpr std::size_t kMostText = 16 * 1024;

  /// `max_line`: octets of a line with its end; `max_lines`: of one reply. Beyond either it is malformed.
  ReplyParser(std::size_t max_line, std::size_t max_lines) : max_line_(max_line), max_lines_(max_lines) {}

  /// Takes from the front of `input`. After `malformed` nothing more can be read.
  Status next(std::string_view& input);
  /// The reply of the last Status::reply: enhanced code split off, lines joined by '\n'.
  mail::Reply take();
  /// Nothing of an unfinished reply is held.
  bool empty() const { return line_.empty() && lines_ == 0; }

private:
  Status add_line(std::string_view line);

  const std::size_t max_line_, max_lines_;
  std::string line_; ///< the beginning of a line that came in pieces
  mail::Reply reply_;
  std::size_t lines_ = 0; ///< of the reply being read
};

} // namespace paquebot::smtp
