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
    const auto piece = input.substr(0, lf == std::string_view::npos ? lf : lf + 1);
    input.remove_prefix(piece.size());
    if (line_.size() + piece.size() > max_line_) return Status::malformed;
    line_ += piece;
    if (lf == std::string_view::npos) return Status::none;
    std::string_view line(line_);
    line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
    const Status status = add_line(line);
    line_.clear();
    if (status != Status::none) return status;
  }
  return Status::none;
}

ReplyParser::Status ReplyParser::add_line(std::string_view line) {
  const std::uint16_t code = code_of(line);
  if (code < 200 || ++lines_ > max_lines_) return Status::malformed;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return Status::malformed;
  const bool more = line.size() > 3 && line[3] == '-';
  std::string_view text = line.substr(std::min<std::size_t>(4, line.size()));
  if (lines_ == 1) {
    reply_ = {};
    reply_.code = code;
  } else if (code != reply_.code) {
    return Status::malformed;
  } else if (reply_.text.size() < kMostText) {
    reply_.text += '\n';
  }
  if (const auto enhanced = mail::EnhancedCode::parse(text); enhanced && enhanced->klass == code / 100) {
    reply_.enhanced = *enhanced;
    text.remove_prefix(std::min(text.find_first_of(" \t"), text.size() - 1) + 1);
  }
  append_printable(reply_.text, text, kMostText);
  if (more) return Status::none;
  lines_ = 0;
  return Status::reply;
}

mail::Reply ReplyParser::take() { return std::exchange(reply_, {}); }

} // namespace paquebot::smtp
