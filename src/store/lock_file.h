#pragma once

#include "base/result.h"

#include <chrono>
#include <string>
#include <utility>

namespace paquebot::store {

/// The right of one process to use a data directory: a locked file with the process's number in it. The lock ends with
/// the process, however it ends; the file stays.
class LockFile {
public:
  /// conflict, with the number of the process that has it, when it is taken and stays so for `patience`; io when the
  /// file cannot be made. Blocks.
  static Result<LockFile> take(const std::string& path, std::chrono::milliseconds patience = {});
  LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace paquebot::store
