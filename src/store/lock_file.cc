#include "store/lock_file.h"

#include "base/text.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace paquebot::store {
namespace {

std::string holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const auto pid = parse_u64(trim(std::string_view(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0)));
  return pid ? "process " + std::to_string(*pid) : "another process";
}

constexpr std::chrono::milliseconds kPause{20};

/// flock() can't be given a deadline.
bool lock_within(int fd, std::chrono::milliseconds patience) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (patience <= patience.zero()) return false;
    std::this_thread::sleep_for(kPause);
    patience -= kPause;
  }
  return true;
}

} // namespace

Result<LockFile> LockFile::take(const std::string& path, std::chrono::milliseconds patience) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(Errc::io, "cannot open " + path + ": " + std::strerror(errno));
  LockFile lock(fd);
  if (!lock_within(fd, patience)) {
    return fail(Errc::conflict, path + " is held by " + holder_of(fd) +
                                    ": only one server may use a data directory; stop that one first");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    // The number is a help for people only (a full disk must not keep the server from starting).
    return lock;
  }
  return lock;
}

LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

} // namespace paquebot::store
