#include "intake/drop_scan.h"

#include "base/ulid.h"

#include <algorithm>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace paquebot::intake {
namespace {

constexpr std::string_view kAside = "bad.";

} // namespace

bool DropScan::begin() {
  if (!open_) {
    const int descriptor = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return false;
    open_.reset(::fdopendir(descriptor));
    if (!open_) ::close(descriptor);
  }
  return open_ != nullptr;
}

std::vector<DropEntry> DropScan::look(std::size_t most) {
  std::vector<DropEntry> found;
  if (!begin()) return found;
  for (std::size_t seen = 0; seen < most; ++seen) {
    const dirent* entry = ::readdir(open_.get());
    if (entry == nullptr) { // the next look begins at the front, and sees the directory as it is then
      open_.reset();
      aside_ = std::exchange(counted_, {});
      break;
    }
    const std::string_view name = entry->d_name;
    const bool aside = name.starts_with(kAside);
    if (!Ulid::parse(aside ? name.substr(kAside.size()) : name)) continue;
    struct stat facts{};
    if (::fstatat(::dirfd(open_.get()), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!aside) {
      found.push_back({std::string(name), facts.st_uid});
      continue;
    }
    SetAside& count = counted_[facts.st_uid];
    ++count.files;
    count.octets += static_cast<std::uint64_t>(std::max<off_t>(facts.st_size, 0));
  }
  return found;
}

bool DropScan::set_aside(const DropEntry& entry) {
  const std::string path = directory_ + "/" + entry.name;
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) return false;
  SetAside& count = aside_[entry.uid];
  const auto octets = static_cast<std::uint64_t>(std::max<off_t>(facts.st_size, 0));
  const bool room = count.files < kMostFiles && octets <= kMostOctets && count.octets <= kMostOctets - octets;
  if (!room) return false;
  ++count.files;
  count.octets += octets;
  return ::rename(path.c_str(), (directory_ + "/" + std::string(kAside) + entry.name).c_str()) == 0;
}

} // namespace paquebot::intake
