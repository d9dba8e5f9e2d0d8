#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::cli {

/// An anonymous file in $TMPDIR or /tmp, gone when closed: for messages that don't belong into memory.
class TempFile {
public:
  static Result<TempFile> make();
  ~TempFile();
  TempFile(TempFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  TempFile& operator=(TempFile&& other) noexcept;

  int descriptor() const { return descriptor_; }
  Result<> append(std::string_view bytes);
  Result<> rewind();
  /// Reads on, at most `size` octets; fewer only at the end.
  Result<std::size_t> read(char* into, std::size_t size);
  Result<std::uint64_t> size() const;

private:
  explicit TempFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// Writes all to a descriptor. `what` names it in the error.
Result<> write_all(int descriptor, std::string_view bytes, std::string_view what);

} // namespace paquebot::cli
