// The wall clock of whoever has the shim loaded, as a test wants it.
//
//   FAULT_CLOCK  a file of 8 octets: by how many seconds the wall clock is ahead (negative: behind), at any time

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

/// Mapped, so that it can be read inside of a sandbox that lets nobody open the file. Null: no such wish.
const std::atomic<std::int64_t>* ahead() {
  static const auto* place = []() -> const std::atomic<std::int64_t>* {
    const char* path = std::getenv("FAULT_CLOCK");
    if (path == nullptr) return nullptr;
    const int fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
    if (fd < 0) return nullptr;
    const void* mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    return mapped == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(mapped);
  }();
  return place;
}

} // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto next = reinterpret_cast<decltype(&::clock_gettime)>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = next(clock, time);
  const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && wall && ahead() != nullptr) time->tv_sec += ahead()->load();
  return result;
}
