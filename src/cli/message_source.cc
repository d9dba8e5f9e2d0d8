#include "cli/message_source.h"

#include <array>
#include <cstring>
#include <stdexcept>

namespace paquebot::cli {

void LineFixer::end_line(std::string& out) {
  if (dot_ends_ && line_ == "." && !line_begun_) {
    done_ = true;
    return;
  }
  out += line_;
  out += "\r\n";
  line_.clear();
  line_begun_ = false;
}

void LineFixer::take(char c, std::string& out) {
  const bool pair = after_cr_ && c == '\n';
  after_cr_ = c == '\r';
  if (pair) return; // the CR ended the line already
  if (c == '\r' || c == '\n') return end_line(out);
  if (!line_begun_ && line_.empty() && c == '.') {
    line_.assign(1, c);
    return;
  }
  out += line_;
  line_.clear();
  out += c;
  line_begun_ = true;
}

std::string LineFixer::next() {
  std::string out;
  std::array<char, 65536> buffer{};
  while (out.empty() && !done_) {
    in_.read(buffer.data(), buffer.size());
    const auto got = in_.gcount();
    has_nul_ = has_nul_ || std::memchr(buffer.data(), 0, static_cast<std::size_t>(got)) != nullptr;
    for (std::streamsize i = 0; i < got && !done_; ++i) take(buffer[static_cast<std::size_t>(i)], out);
    if (got > 0) continue;
    done_ = true;
    if (line_begun_ || !line_.empty()) out += line_ + "\r\n";
  }
  return out;
}

MessageBuffer::int_type MessageBuffer::underflow() {
  piece_ = rest_.next();
  if (!rest_.good() || rest_.has_nul()) throw std::runtime_error("the message can't be read");
  if (piece_.empty()) return traits_type::eof();
  setg(piece_.data(), piece_.data(), piece_.data() + piece_.size());
  return traits_type::to_int_type(piece_.front());
}

} // namespace paquebot::cli
