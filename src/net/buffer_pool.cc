#include "net/buffer_pool.h"

#include <vector>

namespace paquebot::net {

namespace {

/// Buffers kept for the next borrower; those beyond go back to the heap (2 MiB a thread at most).
#ifdef PAQUEBOT_NO_RECYCLING
constexpr std::size_t kKept = 0; // valgrind and the sanitizers see who still looks at one
#else
constexpr std::size_t kKept = 32;
#endif

std::vector<std::unique_ptr<char[]>>& pool() {
  thread_local std::vector<std::unique_ptr<char[]>> kept;
  return kept;
}

} // namespace

char* PooledBuffer::take() {
  if (bytes_) return bytes_.get();
  auto& kept = pool();
  if (kept.empty()) {
    bytes_ = std::make_unique_for_overwrite<char[]>(kReadBufferSize);
  } else {
    bytes_ = std::move(kept.back());
    kept.pop_back();
  }
  return bytes_.get();
}

void PooledBuffer::give_back() {
  if (!bytes_) return;
  auto& kept = pool();
  if (kept.size() < kKept)
    kept.push_back(std::move(bytes_));
  else
    bytes_.reset();
}

} // namespace paquebot::net
