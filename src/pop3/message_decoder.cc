#include "pop3/message_decoder.h"

namespace paquebot::pop3 {

void MessageDecoder::step(char c, std::string& out) {
  switch (state_) {
    case State::line_start:
      if (c == '.') {
        state_ = State::dot;
        return;
      }
      break;
    case State::dot:
      if (c == '\r') {
        state_ = State::dot_cr;
        return;
      }
      if (c == '\n') {
        state_ = State::ended;
        return;
      }
      break; // the dot was stuffing
    case State::dot_cr:
      if (c == '\n') {
        state_ = State::ended;
        return;
      }
      out += '\r';
      break;
    case State::cr:
      if (c != '\n') out += '\r';
      break;
    default: break;
  }
  if (c == '\r') {
    state_ = State::cr;
  } else if (c == '\n') {
    out += "\r\n";
    state_ = State::line_start;
  } else {
    out += c;
    state_ = State::inside;
  }
}

std::size_t MessageDecoder::decode(std::string_view bytes, std::string& out) {
  std::size_t at = 0;
  while (at < bytes.size() && state_ != State::ended) {
    if (state_ == State::inside) {
      std::size_t end = bytes.find_first_of("\r\n", at);
      if (end == std::string_view::npos) end = bytes.size();
      out += bytes.substr(at, end - at);
      at = end;
      if (at == bytes.size()) break;
    }
    step(bytes[at++], out);
  }
  return at;
}

} // namespace paquebot::pop3
