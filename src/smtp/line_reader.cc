#include "smtp/line_reader.h"

#include "base/text.h"
#include "sasl/secret.h"

#include <algorithm>

namespace paquebot::smtp {

LineReader::Status LineReader::next(std::string_view& input, std::size_t max_line) {
  if (used_) {
    kept_.clear();
    used_ = false;
  }
  const auto lf = input.find('\n');
  const auto piece = input.substr(0, lf == std::string_view::npos ? lf : lf + 1);
  input.remove_prefix(piece.size());
  const bool complete = lf != std::string_view::npos;
  if (skipped_ > 0 || kept_.size() + piece.size() > max_line) {
    skipped_ += kept_.size() + piece.size();
    forget();
    if (skipped_ > kMostSkipped) return Status::endless;
    if (!complete) return Status::none;
    skipped_ = 0;
    return Status::too_long;
  }
  if (!complete) {
    kept_ += piece;
    return Status::none;
  }
  if (kept_.empty()) return finish(piece);
  kept_ += piece;
  used_ = true;
  return finish(kept_);
}

bool LineReader::begins_with(std::string_view input, std::string_view word) const {
  const std::string_view kept = used_ ? std::string_view() : kept_;
  const std::size_t first = std::min(kept.size(), word.size());
  return skipped_ == 0 && iequals(kept.substr(0, first), word.substr(0, first)) &&
         istarts_with(input, word.substr(first));
}

LineReader::Status LineReader::finish(std::string_view whole) {
  const bool crlf = whole.ends_with("\r\n");
  line_ = whole.substr(0, whole.size() - (crlf ? 2 : 1));
  return crlf ? Status::line : Status::bare_lf;
}

void LineReader::forget() {
  sasl::wipe(kept_);
  line_ = {};
  used_ = false;
}

void LineReader::rest() {
  if (!used_ && !kept_.empty()) return;
  forget();
  kept_.shrink_to_fit();
}

} // namespace paquebot::smtp
