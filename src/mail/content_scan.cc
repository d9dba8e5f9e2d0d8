#include "mail/content_scan.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::mail {

void ContentScan::feed(std::string_view chunk) {
  // Each pass is a simple loop or memchr, which the compiler and the C library make fast.
  has_8bit = has_8bit || !is_ascii(chunk);
  has_nul = has_nul || chunk.find('\0') != std::string_view::npos;

  while (!chunk.empty()) {
    const auto at = chunk.find('\n');
    const std::string_view piece = chunk.substr(0, at);
    // A CR is bare unless LF follows: look at all but the last, and at the one that ended the chunk before.
    if (after_cr_ && !piece.empty()) bare_cr = true;
    if (!piece.empty()) {
      if (piece.substr(0, piece.size() - 1).find('\r') != std::string_view::npos) bare_cr = true;
      after_cr_ = piece.back() == '\r';
    }
    line_ += piece.size();
    longest_line = std::max(longest_line, line_ - (after_cr_ ? 1 : 0));
    if (at == std::string_view::npos) return;
    if (!after_cr_) bare_lf = true;
    after_cr_ = false;
    line_ = 0;
    chunk.remove_prefix(at + 1);
  }
}

void ContentScan::finish() {
  if (after_cr_) bare_cr = true;
}

} // namespace paquebot::mail
