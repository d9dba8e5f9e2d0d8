#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::cli {

/// The date of a line "From anna@example.org Mon Nov 23 12:00:00 2026", or with one as in RFC 3339
/// ("2026-11-23T12:00:00Z", a space may stand for the T); with or without a zone, which is not looked at.
std::optional<WallTime> mbox_date(std::string_view from_line);

/// What is not sure about a line: where it begins in the file, and a sentence.
using MboxDoubt = std::function<void(std::uint64_t offset, const std::string& what)>;

/// Reads an mbox file front to back, one message after the other, with one block in memory. A line "From …" begins a
/// message when it has a date and an empty line before it, or when a line that can be a header field follows: better
/// one message too many than two in one. A byte order mark and empty lines in front are passed over.
class MboxReader {
public:
  /// Takes over the descriptor. `doubt` hears of each "From " line that only a header field made a beginning, and of
  /// each that was taken for text.
  explicit MboxReader(int descriptor, MboxDoubt doubt = {});
  ~MboxReader();
  MboxReader(const MboxReader&) = delete;
  MboxReader& operator=(const MboxReader&) = delete;

  /// Goes to the next message, over what is left of the one before. False at the end of the file.
  /// Errc::invalid when the file holds something that doesn't begin with a "From " line.
  Result<bool> next_message();
  std::uint64_t offset() const { return message_offset_; } ///< of the message's "From " line
  std::optional<WallTime> date() const { return date_; }
  /// The next piece of this message with CRLF line ends; empty at its end. Valid until the next call.
  Result<std::string_view> piece();

private:
  Result<bool> fill();
  Result<bool> take_line();
  void emit_line();
  Result<bool> at_separator();
  Result<bool> field_follows();

  int descriptor_;
  std::string buffer_; // read, from at_ on not taken yet
  std::size_t at_ = 0;
  std::uint64_t taken_ = 0; // octets of the file in front of at_
  bool end_of_file_ = false;

  std::string_view line_; // the line taken last, without its end; a part of it when it is very long
  std::uint64_t line_offset_ = 0;
  bool line_begins_ = true, line_ends_ = true;

  std::uint64_t message_offset_ = 0;
  std::optional<WallTime> date_;
  bool started_ = false;
  bool in_message_ = false;
  bool separator_waits_ = false; // line_ is the next message's "From " line
  bool blank_held_ = false;      // an empty line that may belong to the separator
  bool after_blank_ = false;
  std::string from_line_; // line_ is in here while what follows it is looked at
  std::string out_;
  MboxDoubt doubt_;
};

} // namespace paquebot::cli
