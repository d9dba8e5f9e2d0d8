#include "http/line_reader.h"

namespace paquebot::http {

namespace {
constexpr std::size_t kKeptLine = 1024; // octets of memory that are kept between lines

bool is_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && octet != '\t') || octet == 0x7F;
}
} // namespace

LineReader::Status LineReader::read(std::string_view& input, std::size_t most) {
  if (done_) reset();
  while (!input.empty()) {
    const char c = input.front();
    if (cr_ ? c != '\n' : c != '\r' && is_control(c)) return Status::bad;
    // The CR and the LF count, so that a line without them has at most `most` - 2 octets.
    if (c != '\n' && line_.size() + (c == '\r' ? 2 : 3) > most) return Status::too_long;
    input.remove_prefix(1);
    if (c == '\n') {
      done_ = true;
      return Status::line;
    }
    if (c == '\r')
      cr_ = true;
    else
      line_ += c;
  }
  return Status::more;
}

void LineReader::reset() {
  line_.clear();
  if (line_.capacity() > kKeptLine) std::string().swap(line_);
  cr_ = done_ = false;
}

} // namespace paquebot::http
