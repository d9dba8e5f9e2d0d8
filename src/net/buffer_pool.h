#pragma once

#include <cstddef>
#include <memory>

namespace paquebot::net {

inline constexpr std::size_t kReadBufferSize = std::size_t{64} * 1024;

/// A read buffer on loan from its thread's pool; empty when nothing is borrowed. An idle connection holds none.
class PooledBuffer {
public:
  PooledBuffer() = default;
  ~PooledBuffer() { give_back(); }
  PooledBuffer(const PooledBuffer&) = delete;
  PooledBuffer& operator=(const PooledBuffer&) = delete;

  /// kReadBufferSize bytes, borrowed now if there was none.
  char* take();
  void give_back();

private:
  std::unique_ptr<char[]> bytes_;
};

} // namespace paquebot::net
