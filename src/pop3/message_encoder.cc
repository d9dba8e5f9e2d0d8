#include "pop3/message_encoder.h"

namespace paquebot::pop3 {

void MessageEncoder::note_line_end() {
  if (in_header_) {
    if (line_blank_) in_header_ = false;
    if (!in_header_ && body_lines_ == 0U) enough_ = true;
  } else if (body_lines_ && --*body_lines_ == 0) {
    enough_ = true;
  }
  line_start_ = line_blank_ = true;
}

/// Without lines to count only the dots matter: everything up to one that begins a line is copied as it is.
void MessageEncoder::encode_whole(std::string_view piece, std::string& out) {
  if (piece.empty()) return;
  before_last_ = piece.size() > 1 ? piece[piece.size() - 2] : last_;
  last_ = piece.back();
  if (line_start_ && piece.front() == '.') out += '.';
  line_start_ = last_ == '\n';
  for (auto dot = piece.find("\n."); dot != std::string_view::npos; dot = piece.find("\n.")) {
    out += piece.substr(0, dot + 1);
    out += '.';
    piece.remove_prefix(dot + 1);
  }
  out += piece;
}

bool MessageEncoder::encode(std::string_view piece, std::string& out) {
  if (!body_lines_) {
    encode_whole(piece, out);
    return false;
  }
  while (!piece.empty() && !enough_) {
    // After a bare LF too: most clients take it for the end of a line, and a lone dot there would cut the message.
    if (line_start_ && piece.front() == '.') out += '.';
    std::size_t end = piece.find('\n');
    bool whole = end != std::string_view::npos;
    std::string_view part = piece.substr(0, whole ? end + 1 : piece.size());
    std::string_view text = part.substr(0, part.size() - (whole ? 1 : 0));
    if (!text.empty() && !(line_start_ && text == "\r")) line_blank_ = false;
    if (part.size() > 1)
      before_last_ = part[part.size() - 2];
    else
      before_last_ = last_;
    last_ = part.back();
    out += part;
    line_start_ = false;
    if (whole) note_line_end();
    piece.remove_prefix(part.size());
  }
  return enough_;
}

void MessageEncoder::finish(std::string& out) const {
  if (last_ != '\n' || before_last_ != '\r') out += "\r\n";
  out += ".\r\n";
}

} // namespace paquebot::pop3
