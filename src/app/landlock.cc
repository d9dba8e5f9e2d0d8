#include "app/landlock.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

// The kernel's interface (Documentation/userspace-api/landlock.rst). Named here, since the headers of Debian 12 end at
// the second version; the kernel takes any length whose unknown rest is zero.
struct Attributes {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scopes = 0;
};
struct [[gnu::packed]] BeneathRule {
  std::uint64_t allowed = 0;
  std::int32_t folder = -1;
};
struct PortRule {
  std::uint64_t allowed = 0;
  std::uint64_t port = 0;
};

constexpr unsigned kAskVersion = 1;
constexpr int kBeneath = 1, kPort = 2;

enum Files : std::uint64_t {
  kExecute = 1 << 0,
  kWriteFile = 1 << 1,
  kReadFile = 1 << 2,
  kReadDir = 1 << 3,
  kRemoveDir = 1 << 4,
  kRemoveFile = 1 << 5,
  kMakeChar = 1 << 6,
  kMakeDir = 1 << 7,
  kMakeReg = 1 << 8,
  kMakeSock = 1 << 9,
  kMakeFifo = 1 << 10,
  kMakeBlock = 1 << 11,
  kMakeSym = 1 << 12,
  kRefer = 1 << 13,    // version 2
  kTruncate = 1 << 14, // version 3
  kIoctlDev = 1 << 15, // version 5
};
constexpr std::uint64_t kFirst = (1 << 13) - 1;
constexpr std::uint64_t kForAFile = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;
constexpr std::uint64_t kBindTcp = 1;                                 // version 4
constexpr std::uint64_t kAbstractSockets = 1 << 0, kSignals = 1 << 1; // version 6

std::uint64_t rights_of(PathAccess access) {
  switch (access) {
    case PathAccess::read: return kReadFile | kReadDir;
    case PathAccess::device: return kReadFile | kWriteFile | kTruncate | kIoctlDev;
    case PathAccess::log: return kWriteFile | kMakeReg;
    case PathAccess::socket: return kMakeSock | kRemoveFile;
    case PathAccess::all:
      return kReadFile | kReadDir | kWriteFile | kTruncate | kRemoveFile | kRemoveDir | kMakeReg | kMakeDir |
             kMakeSock | kRefer;
  }
  return 0;
}

Attributes attributes_for(int version) {
  Attributes all{.files = kFirst};
  if (version >= 2) all.files |= kRefer;
  if (version >= 3) all.files |= kTruncate;
  if (version >= 4) all.network = kBindTcp;
  if (version >= 5) all.files |= kIoctlDev;
  if (version >= 6) all.scopes = kAbstractSockets | kSignals;
  return all;
}

std::unexpected<Error> failed(const std::string& what) { return fail(Errc::io, what + ": " + std::strerror(errno)); }

/// A descriptor that closes itself.
struct Descriptor {
  int number = -1;
  explicit Descriptor(int n) : number(n) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

Result<> add_path(int ruleset, const PathRule& rule, std::uint64_t handled) {
  const Descriptor place(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  struct stat facts{};
  if (place.number < 0 || ::fstat(place.number, &facts) != 0) {
    if (errno == ENOENT || errno == EACCES || errno == ENOTDIR) return {}; // what is not there, or out of reach
    return failed("can't look at " + rule.path);
  }
  std::uint64_t rights = rights_of(rule.access) & handled;
  if (!S_ISDIR(facts.st_mode)) rights &= kForAFile;
  if (rights == 0) return {};
  const BeneathRule beneath{rights, place.number};
  if (::syscall(SYS_landlock_add_rule, ruleset, kBeneath, &beneath, 0) != 0)
    return failed("can't make a Landlock rule for " + rule.path);
  return {};
}

} // namespace

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

Result<> landlock(const std::vector<PathRule>& rules) {
  const int version = landlock_version();
  if (version == 0) return fail(Errc::unsupported, "the kernel has no Landlock");
  const Attributes handled = attributes_for(version);
  const Descriptor ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (ruleset.number < 0) return failed("can't make a Landlock ruleset");
  for (const PathRule& rule : rules)
    if (auto added = add_path(ruleset.number, rule, handled.files); !added) return added;
  if (handled.network != 0) {
    const PortRule any{kBindTcp, 0}; // the kernel chooses: a connection that leaves by a given address is bound so
    if (::syscall(SYS_landlock_add_rule, ruleset.number, kPort, &any, 0) != 0)
      return failed("can't make a Landlock rule for ports");
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.number, 0) != 0) return failed("Landlock can't be put in force");
  return {};
}

} // namespace paquebot::app
