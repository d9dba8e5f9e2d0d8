#include "store/body_writer.h"

#include "base/text.h"

#include <algorithm>
#include <utility>

namespace paquebot::store {

Task<Result<>> BodyWriter::write(std::string_view bytes) {
  has_8bit_ = has_8bit_ || !is_ascii(bytes);
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), kBodyChunk - buffer_.size());
    buffer_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    size_ += taken;
    if (buffer_.size() < kBodyChunk) continue;
    Result<> spilled = co_await spill();
    if (!spilled) co_return spilled;
  }
  co_return Result<>();
}

bool BodyWriter::write_now(std::string_view bytes) {
  if (bytes.size() > room()) return false;
  has_8bit_ = has_8bit_ || !is_ascii(bytes);
  buffer_.append(bytes);
  size_ += bytes.size();
  return true;
}

/// Hands the buffer to the store, beginning a staged body with the first.
Task<Result<>> BodyWriter::spill() {
  if (!staged_) {
    auto begun = co_await store_.stage();
    if (!begun) co_return std::unexpected(begun.error());
    staged_ = std::move(*begun);
  }
  std::string chunk = std::exchange(buffer_, {});
  co_return co_await staged_->append(std::move(chunk));
}

NewBody BodyWriter::finish_now() {
  NewBody body;
  body.size = size_;
  body.type = has_8bit_ ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
  if (in_memory()) body.bytes = std::exchange(buffer_, {});
  return body;
}

Task<Result<NewBody>> BodyWriter::finish() {
  NewBody body = finish_now();
  if (in_memory()) co_return body;
  if (!buffer_.empty()) {
    const Result<> spilled = co_await spill();
    if (!spilled) co_return std::unexpected(spilled.error());
  }
  const Result<> finished = co_await staged_->finish();
  if (!finished) co_return std::unexpected(finished.error());
  body.staged = std::exchange(staged_, nullptr);
  co_return body;
}

void BodyWriter::discard() {
  buffer_ = {};
  staged_.reset();
}

} // namespace paquebot::store
