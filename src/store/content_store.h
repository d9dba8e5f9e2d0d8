#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <cstddef>
#include <string>

namespace paquebot::store {

/// Heads and bodies as they were accepted. They never change.
class ContentStore {
public:
  virtual ~ContentStore() = default;

  virtual Task<Result<std::string>> read_head(Id head) = 0;
  /// At most `most` octets from `offset`; shorter only at the end. Checksums are verified.
  virtual Task<Result<std::string>> read_body(BodyRef body, std::uint64_t offset, std::size_t most) = 0;
};

} // namespace paquebot::store
