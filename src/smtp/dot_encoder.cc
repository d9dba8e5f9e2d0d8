#include "smtp/dot_encoder.h"

#include <algorithm>
#include <cstring>

namespace paquebot::smtp {
namespace {

/// Octets of whole lines at the beginning that go out as they are: they end with CRLF, have no other CR and begin with
/// no dot.
std::size_t clean_lines(std::string_view text) {
  std::size_t clean = 0;
  while (clean < text.size() && text[clean] != '.') {
    const auto cr = text.find('\r', clean);
    if (cr == std::string_view::npos || cr + 1 == text.size() || text[cr + 1] != '\n') break;
    if (std::memchr(text.data() + clean, '\n', cr - clean) != nullptr) break;
    clean = cr + 2;
  }
  return clean;
}

} // namespace

void DotEncoder::encode(std::string_view piece, std::string& out) {
  if (out.capacity() - out.size() < piece.size()) out.reserve(out.size() + piece.size() + piece.size() / 16 + 64);
  while (!piece.empty()) {
    const std::size_t clean = after_cr_ || !line_start_ ? 0 : clean_lines(piece);
    out += piece.substr(0, clean);
    piece.remove_prefix(clean);
    if (piece.empty()) return;
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
