#include "smtp/reply_parser.h"

#include "base/text.h"

#include <algorithm>
#include <utility>

namespace paquebot::smtp {
namespace {

/// 200 to 599 at the beginning of `line`, or 0.
std::uint16_t code_of(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5') return 0;
  return static_cast<std::uint16_t>(parse_u64(line.substr(0, 3)).value_or(0));
}

void append_printable(std::string& out, std::string_view text, std::size_t most) {
  while (!text.empty() && out.size() < most) {
    if (const std::size_t plain = std::min(plain_length(text), most - out.size()); plain > 0) {
      out += text.substr(0, plain);
      text.remove_prefix(plain);
      continue;
    }
    const std::size_t length = printable_length(text);
    if (length == 0) {
      out += text.front() == '\t' ? ' ' : '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

} // namespace

ReplyParser::Status ReplyParser::next(std::string_view& input) {
  while (!input.empty()) {
    const auto lf = input.find('\n');
    const bool ended = lf != std::string_view::npos;
    const std::string_view piece = input.substr(0, lf);
    input.remove_prefix(piece.size() + (ended ? 1 : 0));
    octets_ += piece.size() + (ended ? 1 : 0);
    if (octets_ > kMostOctets) return Status::malformed;
    line_ += piece.substr(0, max_line_ - std::min(line_.size(), max_line_));
    if (line_.size() >= 3 && code_of(line_) == 0) return Status::malformed; // its end may never come
    if (!ended) return Status::none;
    std::string_view line(line_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const Status status = add_line(line);
    line_.clear();
    if (status != Status::none) return status;
  }
  return Status::none;
}

ReplyParser::Status ReplyParser::add_line(std::string_view line) {
  const std::uint16_t code = code_of(line);
  if (code < 200) return Status::malformed;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return Status::malformed;
  const bool more = line.size() > 3 && line[3] == '-';
  std::string_view text = line.substr(std::min<std::size_t>(4, line.size()));
  if (++lines_ == 1) {
    reply_ = {};
    reply_.code = code;
  } else if (code != reply_.code) {
    return Status::malformed;
  }
  if (lines_ > max_lines_) text = {}; // surplus
  if (lines_ > 1 && lines_ <= max_lines_ && reply_.text.size() < kMostText) reply_.text += '\n';
  if (const auto enhanced = mail::EnhancedCode::parse(text); enhanced && enhanced->klass == code / 100) {
    reply_.enhanced = *enhanced;
    text.remove_prefix(std::min(text.find_first_of(" \t"), text.size() - 1) + 1);
  }
  append_printable(reply_.text, text, kMostText);
  if (more) return Status::none;
  lines_ = octets_ = 0;
  return Status::reply;
}

mail::Reply ReplyParser::take() { return std::exchange(reply_, {}); }

} // namespace paquebot::smtp
