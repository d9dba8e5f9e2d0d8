// A library for /etc/ld.so.preload: counts and delays every call by which a program asks for its data to be on the
// disk.
//
// The file /run/paquebot-bench/sync (made by bench/syncs.py before the programs start) is mapped by all of them: the
// wished delay in front, the counters behind it. Without that file all calls pass unchanged. The delay is slept before
// the real call, so each caller waits as for a slower disk, and callers in parallel wait in parallel.

#include <atomic>
#include <cstdint>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

/// The layout of the file; bench/syncs.py reads and writes it.
struct Shared {
  std::atomic<std::uint64_t> delay_us;
  std::atomic<std::uint64_t> fsync, fdatasync, sync_file_range, msync, syncfs, sync;
};
static_assert(sizeof(Shared) == 56 && std::atomic<std::uint64_t>::is_always_lock_free);

Shared* shared = nullptr;

__attribute__((constructor)) void map_shared() {
  const int file = ::open("/run/paquebot-bench/sync", O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory != MAP_FAILED) shared = static_cast<Shared*>(memory);
}

void count_and_wait(std::atomic<std::uint64_t> Shared::* counter) {
  if (shared == nullptr) return;
  (shared->*counter).fetch_add(1, std::memory_order_relaxed);
  const auto delay = shared->delay_us.load(std::memory_order_relaxed);
  if (delay == 0) return;
  timespec left{static_cast<time_t>(delay / 1'000'000), static_cast<long>(delay % 1'000'000 * 1000)};
  while (::nanosleep(&left, &left) != 0) {
  }
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {

int fsync(int file) {
  static auto* const real = next<int(int)>("fsync");
  count_and_wait(&Shared::fsync);
  return real(file);
}

int fdatasync(int file) {
  static auto* const real = next<int(int)>("fdatasync");
  count_and_wait(&Shared::fdatasync);
  return real(file);
}

int sync_file_range(int file, off64_t offset, off64_t count, unsigned flags) {
  static auto* const real = next<int(int, off64_t, off64_t, unsigned)>("sync_file_range");
  count_and_wait(&Shared::sync_file_range);
  return real(file, offset, count, flags);
}

int msync(void* address, size_t length, int flags) {
  static auto* const real = next<int(void*, size_t, int)>("msync");
  if ((flags & MS_SYNC) != 0) count_and_wait(&Shared::msync);
  return real(address, length, flags);
}

int syncfs(int file) noexcept {
  static auto* const real = next<int(int)>("syncfs");
  count_and_wait(&Shared::syncfs);
  return real(file);
}

void sync() noexcept {
  static auto* const real = next<void()>("sync");
  count_and_wait(&Shared::sync);
  real();
}

} // extern "C"
