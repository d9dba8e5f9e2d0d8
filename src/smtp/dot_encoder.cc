#include "smtp/dot_encoder.h"

#include <algorithm>
#include <cstring>

namespace paquebot::smtp {

void DotEncoder::encode(std::string_view piece, std::string& out) {
  if (out.capacity() - out.size() < piece.size()) out.reserve(out.size() + piece.size() + piece.size() / 16 + 64);
  while (!piece.empty()) {
    if (after_cr_ && piece.front() == '\n') {
      after_cr_ = false;
      piece.remove_prefix(1);
      continue;
    }
    after_cr_ = false;
    if (stuff_ && line_start_ && piece.front() == '.') out += '.';
    // The line up to its LF, in which a CR that is not the last octet ends a line of its own.
    const auto lf = std::min(piece.find('\n'), piece.size());
    const auto cr = piece.substr(0, lf).find('\r');
    const auto length = std::min(lf, cr);
    out += piece.substr(0, length);
    line_start_ = length != piece.size();
    if (!line_start_) return;
    out += "\r\n";
    after_cr_ = piece[length] == '\r';
    piece.remove_prefix(length + 1);
  }
}

void DotEncoder::finish(std::string& out) {
  if (!line_start_) out += "\r\n";
  if (stuff_) out += ".\r\n";
  *this = DotEncoder(stuff_);
}

} // namespace paquebot::smtp
