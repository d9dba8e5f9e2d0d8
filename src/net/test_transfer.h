#pragma once

// For tests only: what tests of streams say again and again.

#include "net/stream.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace paquebot::net {

inline std::chrono::steady_clock::time_point in(std::chrono::milliseconds delay) {
  return std::chrono::steady_clock::now() + delay;
}

inline Task<void> send_then_close(Stream& stream, std::string bytes) {
  auto sent = co_await stream.write(bytes);
  EXPECT_TRUE(sent) << sent.error().message;
  stream.close();
}

/// Until the peer closes.
inline Task<Result<std::string>> read_all(Stream& stream) {
  std::string all;
  for (;;) {
    auto got = co_await stream.read();
    if (!got) co_return std::unexpected(got.error());
    if (got->empty()) co_return all;
    all += *got;
  }
}

} // namespace paquebot::net
