#include "mail/line_mender.h"

namespace paquebot::mail {

std::string_view LineMender::next(std::string_view& input) {
  std::size_t length = 0; // of what is right as it is
  while (length < input.size()) {
    const std::size_t lf = input.find('\n', length);
    if (lf == std::string_view::npos) {
      length = input.size();
      break;
    }
    const bool crlf = lf == 0 ? after_cr_ : input[lf - 1] == '\r';
    if (crlf) {
      length = lf + 1;
      continue;
    }
    if (lf == 0) {
      input.remove_prefix(1);
      after_cr_ = false;
      ++mended_;
      return "\r\n";
    }
    length = lf;
    break;
  }
  const std::string_view piece = input.substr(0, length);
  input.remove_prefix(length);
  if (!piece.empty()) after_cr_ = piece.back() == '\r';
  return piece;
}

} // namespace paquebot::mail
