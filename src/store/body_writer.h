#pragma once

#include "store/acceptance.h"

#include <memory>
#include <string>
#include <string_view>

namespace paquebot::store {

/// Takes the decoded body of a message as it comes and makes a NewBody of it: up to kInlineBody octets stay in memory,
/// what is larger goes to a staged body in chunks of kBodyChunk, each written before more is taken (back-pressure).
/// Never more than one chunk, and what one write() brings, is in memory. One coroutine at a time.
class BodyWriter {
public:
  /// `store` must outlive the writer.
  explicit BodyWriter(Acceptance& store) : store_(store) {}
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

  /// Appends. `bytes` must stay valid until it returns. After an error only discard() is of use; the error is
  /// Staged::append's.
  Task<Result<>> write(std::string_view bytes);
  /// The same without a coroutine while all stays in memory; false, and nothing is taken, when it would not.
  bool write_now(std::string_view bytes);
  /// Octets that write_now() takes.
  std::size_t room() const { return kBodyChunk - 1 - buffer_.size(); }
  std::size_t buffered() const { return buffer_.size(); }
  /// All of it is in memory, and stays there when it ends now.
  bool in_memory() const { return size_ <= kInlineBody; }
  /// finish() without a coroutine, while in_memory().
  NewBody finish_now();
  /// Makes a staged body durable and hands the body over. NewBody::type is `eight_bit` when an octet beyond ASCII came,
  /// else `seven_bit`: whoever knows of BINARYMIME says so itself.
  Task<Result<NewBody>> finish();
  /// Drops everything.
  void discard();

  std::uint64_t size() const { return size_; }
  /// An octet beyond ASCII has come.
  bool has_8bit() const { return has_8bit_; }

private:
  Task<Result<>> spill();

  Acceptance& store_;
  std::string buffer_;
  std::uint64_t size_ = 0;
  std::shared_ptr<Staged> staged_;
  bool has_8bit_ = false;
};

} // namespace paquebot::store
