#include "intake/conversion.h"

namespace paquebot::intake {

mail::Reply not_convertible(const Error& why) {
  if (why.code != Errc::unsupported) return mail::Reply(552, {5, 3, 4}, "the header block is larger than 1 MiB");
  return mail::Reply(554, {5, 6, 3}, why.message);
}

void Conversion::begin(bool stays) {
  lines_.emplace();
  stays_ = stays;
}

Result<std::string_view> Conversion::feed(std::string_view chunk) {
  out_.clear();
  if (auto fed = lines_->feed(chunk, out_); !fed) return std::unexpected(fed.error());
  return stays_ ? chunk : std::string_view(out_);
}

Result<std::string_view> Conversion::finish() {
  out_.clear();
  if (auto finished = lines_->finish(out_); !finished) return std::unexpected(finished.error());
  return stays_ ? std::string_view() : std::string_view(out_);
}

} // namespace paquebot::intake
