#include "store/reserve.h"

#include <algorithm>
#include <sys/statvfs.h>

namespace paquebot::store {

bool Reserve::spared() const {
  struct statvfs facts{};
  if (::statvfs(directory_.c_str(), &facts) != 0 || facts.f_blocks == 0) return true;
  const std::uint64_t unit = facts.f_frsize;
  return std::uint64_t{facts.f_bavail} * unit >= size(std::uint64_t{facts.f_blocks} * unit);
}

std::uint64_t Reserve::size(std::uint64_t total) { return std::min<std::uint64_t>(total / 4, 64u << 20); }

} // namespace paquebot::store
