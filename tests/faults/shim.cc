// Loaded into the server (LD_PRELOAD) by the sweeps: the n-th operation that changes something durable, or says
// something to a peer, ends the process or fails. One counter for the whole process, whatever thread.
//
//   FAULT_PATH   operations on files whose path holds this count
//   FAULT_SENDS  "1": what is sent on TCP sockets counts as well
//   FAULT_COUNT  a file of 8 octets in which the counter is kept, also after the end of the process
//   FAULT_AT     the number of the operation, from 1; 0: only count
//   FAULT_DO     kill | torn (half of a write is done, then kill) | short | EIO | ENOSPC | EDQUOT | EMFILE | ENOMEM |
//   EINTR FAULT_EVER   "1": every operation from FAULT_AT on, not only that one FAULT_HOLD   the beginning of a path:
//   while a file of that beginning and the name of one that counts is there, what changes the
//                latter waits; the first that waits makes a file of that beginning and the name "waits"

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

enum class Deed { kill, torn, shorten, error };

struct Plan {
  const char* path = nullptr;
  const char* hold = nullptr;
  bool sends = false;
  std::uint64_t at = 0;
  bool ever = false;
  Deed deed = Deed::kill;
  int number = 0;
  std::atomic<std::uint64_t>* counter = nullptr;
};

struct Name {
  const char* name;
  int number;
};
constexpr Name kErrors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT},
                            {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"EINTR", EINTR}};

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}
#define REAL(function) static const auto next = real<decltype(&::function)>(#function)

std::atomic<std::uint64_t>* map_counter() {
  static std::atomic<std::uint64_t> own{0};
  const char* path = std::getenv("FAULT_COUNT");
  if (path == nullptr) return &own;
  const int fd =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC)); // our open() asks for the plan
  if (fd < 0) return &own;
  void* place = ::mmap(nullptr, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return place == MAP_FAILED ? &own : static_cast<std::atomic<std::uint64_t>*>(place);
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && std::strcmp(value, "1") == 0;
}

Plan read_plan() {
  Plan plan;
  plan.path = std::getenv("FAULT_PATH");
  if (plan.path == nullptr) return plan;
  plan.hold = std::getenv("FAULT_HOLD");
  plan.sends = is_set("FAULT_SENDS");
  plan.ever = is_set("FAULT_EVER");
  if (const char* at = std::getenv("FAULT_AT")) plan.at = std::strtoull(at, nullptr, 10);
  const char* deed = std::getenv("FAULT_DO");
  if (deed != nullptr && std::strcmp(deed, "torn") == 0) plan.deed = Deed::torn;
  if (deed != nullptr && std::strcmp(deed, "short") == 0) plan.deed = Deed::shorten;
  for (const Name& error : kErrors) {
    if (deed == nullptr || std::strcmp(deed, error.name) != 0) continue;
    plan.deed = Deed::error;
    plan.number = error.number;
  }
  plan.counter = map_counter();
  return plan;
}

const Plan& plan() {
  static const Plan one = read_plan();
  return one;
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

bool is_ours(const char* path) { return path != nullptr && std::strstr(path, plan().path) != nullptr; }

void wait_for_release(const char* path) {
  if (plan().hold == nullptr) return;
  const char* slash = std::strrchr(path, '/');
  char gate[PATH_MAX], waits[PATH_MAX];
  std::snprintf(gate, sizeof(gate), "%s%s", plan().hold, slash == nullptr ? path : slash + 1);
  std::snprintf(waits, sizeof(waits), "%swaits", plan().hold);
  while (::access(gate, F_OK) == 0) {
    ::close(static_cast<int>(::syscall(SYS_openat, AT_FDCWD, waits, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    ::usleep(5000);
  }
}

bool is_ours(int fd) {
  char link[32];
  char path[PATH_MAX];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = ::readlink(link, path, sizeof(path) - 1);
  if (length <= 0) return false;
  path[length] = 0;
  if (!is_ours(path)) return false;
  wait_for_release(path);
  return true;
}

bool is_tcp(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.ss_family == AF_INET;
}

/// Counts an operation. True when this is one that fails; a plan to kill does not come back from here, unless the
/// operation can be torn.
bool falls(bool tearable = false) {
  const std::uint64_t n = plan().counter->fetch_add(1) + 1;
  if (plan().at == 0 || n < plan().at || (n > plan().at && !plan().ever)) return false;
  if (plan().deed == Deed::kill || (plan().deed == Deed::torn && !tearable)) die();
  return plan().deed != Deed::shorten || tearable;
}

/// A write that falls: what it returns, or 0 to do only half of it.
ssize_t fall_write() {
  if (plan().deed != Deed::error) return 0;
  errno = plan().number;
  return -1;
}

int fail_with_error() {
  errno = plan().number;
  return -1;
}

bool counts_file(int fd) { return plan().path != nullptr && is_ours(fd); }
bool counts_file(const char* path) { return plan().path != nullptr && is_ours(path); }
bool counts_send(int fd) { return plan().path != nullptr && plan().sends && is_tcp(fd); }
bool counts_write(int fd) { return counts_file(fd) || counts_send(fd); }

/// After half a write: the rest is never done.
ssize_t half_done(ssize_t result) {
  if (plan().deed == Deed::torn) die();
  return result;
}

} // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  REAL(write);
  if (!counts_write(fd) || !falls(size > 1)) return next(fd, data, size);
  if (const ssize_t result = fall_write(); result != 0) return result;
  return half_done(next(fd, data, size / 2));
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  REAL(pwrite);
  if (!counts_file(fd) || !falls(size > 1)) return next(fd, data, size, at);
  if (const ssize_t result = fall_write(); result != 0) return result;
  return half_done(next(fd, data, size / 2, at));
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) { return pwrite(fd, data, size, at); }

ssize_t writev(int fd, const iovec* parts, int count) {
  REAL(writev);
  if (!counts_write(fd) || !falls(parts[0].iov_len > 1)) return next(fd, parts, count);
  if (const ssize_t result = fall_write(); result != 0) return result;
  return half_done(write(fd, parts[0].iov_base, parts[0].iov_len / 2));
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  REAL(send);
  if (!counts_send(fd) || !falls(size > 1)) return next(fd, data, size, flags);
  if (const ssize_t result = fall_write(); result != 0) return result;
  return half_done(next(fd, data, size / 2, flags));
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  REAL(sendmsg);
  if (!counts_send(fd) || !falls(message->msg_iovlen > 0 && message->msg_iov[0].iov_len > 1))
    return next(fd, message, flags);
  if (const ssize_t result = fall_write(); result != 0) return result;
  static const auto plain = real<decltype(&::send)>("send");
  return half_done(plain(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len / 2, flags));
}

int fsync(int fd) {
  REAL(fsync);
  return counts_file(fd) && falls() ? fail_with_error() : next(fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return counts_file(fd) && falls() ? fail_with_error() : next(fd);
}

int ftruncate(int fd, off_t size) noexcept {
  REAL(ftruncate);
  return counts_file(fd) && falls() ? fail_with_error() : next(fd, size);
}

int ftruncate64(int fd, off64_t size) noexcept { return ftruncate(fd, size); }

int rename(const char* from, const char* to) noexcept {
  REAL(rename);
  return counts_file(from) && falls() ? fail_with_error() : next(from, to);
}

int unlink(const char* path) noexcept {
  REAL(unlink);
  return counts_file(path) && falls() ? fail_with_error() : next(path);
}

/// Opening changes nothing durable, but it is where descriptors and memory run out.
int open(const char* path, int flags, ...) {
  REAL(open);
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  const bool descriptors = plan().deed == Deed::error && (plan().number == EMFILE || plan().number == ENOMEM);
  return descriptors && counts_file(path) && falls() ? fail_with_error() : next(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open(path, flags, mode);
}

} // extern "C"
