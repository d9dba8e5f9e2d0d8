#include "service/status.h"

#include <cstdint>
#include <sys/statvfs.h>

namespace paquebot::service {

control::json::object disk_status(const std::string& folder) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return {};
  return {{"free", std::uint64_t{disk.f_bavail} * disk.f_frsize},
          {"size", std::uint64_t{disk.f_blocks} * disk.f_frsize}};
}

} // namespace paquebot::service
