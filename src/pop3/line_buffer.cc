#include "pop3/line_buffer.h"

#include "base/text.h"
#include "sasl/secret.h"

#include <algorithm>
#include <string.h>

namespace paquebot::pop3 {

namespace {
constexpr std::size_t kKeptCapacity = 4096; // octets an idle connection may keep
} // namespace

LineBuffer::~LineBuffer() { sasl::wipe(data_); }

void LineBuffer::drop_used() {
  if (used_ == 0) return;
  std::size_t left = data_.size() - used_;
  std::copy(data_.begin() + static_cast<std::ptrdiff_t>(used_), data_.end(), data_.begin());
  explicit_bzero(data_.data() + left, used_);
  data_.resize(left);
  scanned_ -= used_;
  used_ = 0;
}

void LineBuffer::append(std::string_view bytes) {
  drop_used();
  if (data_.size() + bytes.size() > data_.capacity() || (data_.empty() && data_.capacity() > kKeptCapacity)) {
    std::string other; // grown by hand: the old memory must be overwritten before it is freed
    other.reserve(std::max(2 * data_.size(), data_.size() + bytes.size()));
    other.append(data_);
    sasl::wipe(data_);
    data_.swap(other);
  }
  data_.append(bytes);
}

LineBuffer::Status LineBuffer::next(std::size_t max, std::string_view& line) {
  for (;;) {
    std::size_t end = data_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = data_.size();
      if (skipping_) {
        used_ = scanned_;
        return Status::none;
      }
      if (scanned_ - used_ < max) return Status::none;
      used_ = scanned_;
      skipping_ = true;
      return Status::too_long;
    }
    std::string_view found(data_.data() + used_, end - used_);
    used_ = scanned_ = end + 1;
    if (skipping_) {
      skipping_ = false;
      continue;
    }
    if (found.ends_with('\r')) found.remove_suffix(1);
    if (found.size() + 2 > max) return Status::too_long;
    line = found;
    return Status::line;
  }
}

bool LineBuffer::begins_with(std::string_view word) const {
  return !skipping_ && istarts_with(std::string_view(data_).substr(used_), word);
}

std::string LineBuffer::take_rest() {
  std::string rest = data_.substr(used_);
  clear();
  return rest;
}

void LineBuffer::clear() {
  sasl::wipe(data_);
  used_ = scanned_ = 0;
  skipping_ = false;
}

} // namespace paquebot::pop3
