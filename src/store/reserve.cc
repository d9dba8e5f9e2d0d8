#include "store/reserve.h"

#include "base/clock.h"

#include <algorithm>
#include <sys/statvfs.h>

namespace paquebot::store {
namespace {

constexpr std::uint64_t kLargestReserve = 64u << 20;

} // namespace

bool Reserve::spared() const {
  // One question to the system for many messages: it would cost more than all else that is asked about room.
  const std::int64_t now = system_clock().now().time_since_epoch().count();
  std::int64_t looked = looked_.load(std::memory_order_acquire);
  if (looked != 0 && now - looked < std::chrono::nanoseconds(kReserveFresh).count()) return spared_.load();
  spared_.store(look());
  looked_.store(now, std::memory_order_release);
  return spared_.load();
}

bool Reserve::look() const {
  struct statvfs facts{};
  if (::statvfs(directory_.c_str(), &facts) != 0 || facts.f_blocks == 0) return true;
  const std::uint64_t unit = facts.f_frsize;
  return std::uint64_t{facts.f_bavail} * unit >= size(std::uint64_t{facts.f_blocks} * unit);
}

std::uint64_t Reserve::of(const std::string& directory) {
  struct statvfs facts{};
  if (::statvfs(directory.c_str(), &facts) != 0 || facts.f_blocks == 0) return kLargestReserve;
  return size(std::uint64_t{facts.f_blocks} * facts.f_frsize);
}

std::uint64_t Reserve::size(std::uint64_t total) { return std::min(total / 4, kLargestReserve); }

} // namespace paquebot::store
