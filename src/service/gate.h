#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace paquebot::service {

/// Bounds of connections at the same time.
struct GateLimits {
  unsigned total = 5000;
  unsigned per_address = 200;
};

/// Counts open connections in total and for each peer address. Thread-safe.
class Gate {
public:
  enum class Verdict { welcome, full, too_many };
  Verdict enter(const std::string& address, const GateLimits& limits);
  void leave(const std::string& address);
  unsigned total() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, unsigned> by_address_;
  unsigned total_ = 0;
};

} // namespace paquebot::service
