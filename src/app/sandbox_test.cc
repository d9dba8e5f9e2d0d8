#include "app/sandbox.h"
#include "app/system_calls.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

/// Runs `body` in a process of its own, since what it gives up is gone for good. Gives what it returns, 0 to 254; 255:
/// it broke.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 255;
  return WEXITSTATUS(status);
}

int error_of(long result) { return result < 0 ? errno : 0; }

/// Opens and closes; 0 or errno.
int open_error(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno;
  ::close(descriptor);
  return 0;
}

class SandboxTest : public testing::Test {
protected:
  void SetUp() override {
    if (kSanitizerBuild) GTEST_SKIP() << "built with a sanitizer";
    ASSERT_NE(::mkdtemp(top.data()), nullptr);
    for (const char* name : {"data", "run", "log", "backups", "private"})
      std::filesystem::create_directory(top + "/" + name);
    std::ofstream(top + "/private/key") << "KEY";
    std::ofstream(top + "/data/mail") << "mail";
    config.server.data_directory = top + "/data";
    config.server.drop_directory = top + "/data";
    config.backup_dirs = {top + "/backups", top + "/not-there"};
    config.control_socket = top + "/run/control.sock";
    config.log_file = top + "/log/server.log";
  }
  void TearDown() override { std::filesystem::remove_all(top); }

  /// What `act` returns inside of the server's sandbox.
  int confined(const std::function<int()>& act) {
    return in_child([&] {
      (void)confine_server(server_paths(config));
      return act();
    });
  }

  std::string top = testing::TempDir() + "sandbox-XXXXXX";
  Config config;
};

TEST_F(SandboxTest, TellsWhatItGaveUp) {
  const int wrong = in_child([&] {
    const Confinement done = confine_server(server_paths(config));
    if (done.no_new_privileges != "yes") return 1;
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 2;
    if ((done.landlock == "unavailable") != (landlock_version() == 0)) return 3;
    if (done.seccomp != "unavailable" && ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2) return 4;
    return done.whole == done.why.empty() ? 0 : 5;
  });
  EXPECT_EQ(wrong, 0);
}

TEST_F(SandboxTest, FilesOutsideAreOutOfReach) {
  if (landlock_version() == 0) GTEST_SKIP() << "the kernel has no Landlock";
  const struct {
    std::string path;
    int flags, error;
  } cases[] = {
      {"/data/mail", O_RDWR | O_TRUNC, 0},
      {"/data/new", O_RDWR | O_CREAT | O_EXCL, 0},
      {"/backups/one", O_RDWR | O_CREAT | O_EXCL, 0},
      {"/log/server.log", O_WRONLY | O_CREAT | O_APPEND, 0},
      {"/log/server.log", O_RDONLY, EACCES},
      {"/run/file", O_WRONLY | O_CREAT, EACCES},
      {"/private/key", O_RDONLY, EACCES},
      {"/data/../private/key", O_RDONLY, EACCES},
      {"/private/new", O_WRONLY | O_CREAT, EACCES},
      {"/private", O_RDONLY | O_DIRECTORY, EACCES},
  };
  std::ofstream(top + "/log/server.log") << "begun\n";
  for (const auto& c : cases) {
    const std::string path = top + c.path;
    EXPECT_EQ(confined([&] { return open_error(path, c.flags); }), c.error) << c.path << " flags " << c.flags;
  }
  EXPECT_EQ(confined([] { return open_error("/etc/passwd", O_RDONLY); }), 0);
  EXPECT_EQ(confined([] { return open_error("/dev/null", O_RDWR); }), 0);
  EXPECT_EQ(confined([] { return open_error("/root/x", O_WRONLY | O_CREAT); }), EACCES);
}

TEST_F(SandboxTest, NoTcpPortOfItsChoice) {
  if (landlock_version() < 4) GTEST_SKIP() << "the kernel's Landlock knows no ports";
  const auto bind_to = [](std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    return error_of(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  };
  EXPECT_EQ(confined([&] { return bind_to(0); }), 0);
  EXPECT_EQ(confined([&] { return bind_to(5999); }), EACCES);
}

TEST_F(SandboxTest, TheKeeperReadsAndDoesNotWrite) {
  if (landlock_version() == 0) GTEST_SKIP() << "the kernel has no Landlock";
  const auto kept = [](const std::function<int()>& act) {
    return in_child([&] {
      (void)confine_keeper();
      return act();
    });
  };
  EXPECT_EQ(kept([&] { return open_error(top + "/private/key", O_RDONLY); }), 0);
  EXPECT_EQ(kept([&] { return open_error(top + "/private/key", O_WRONLY); }), EACCES);
  EXPECT_EQ(kept([&] { return open_error(top + "/data/new", O_WRONLY | O_CREAT); }), EACCES);
  if (in_child([] { return refuse_system_calls(true) ? 0 : 1; }) != 0) GTEST_SKIP() << "the kernel takes no filter";
  EXPECT_EQ(kept([] { return error_of(::socket(AF_INET, SOCK_STREAM, 0)); }), EPERM);
  EXPECT_EQ(kept([] { return error_of(::socket(AF_UNIX, SOCK_STREAM, 0)); }), EPERM);
}

/// A call and what it answers when the filter is in force.
struct CallCase {
  const char* name;
  int error;
  int (*act)();
};

const CallCase kCalls[] = {
    {"execve", EPERM,
     [] {
       char word[] = "/bin/true";
       char* words[] = {word, nullptr};
       return error_of(::execv(word, words));
     }},
    {"fork", EPERM, [] { return error_of(::fork()); }},
    {"clone3", ENOSYS, [] { return error_of(::syscall(SYS_clone3, nullptr, 0)); }},
    {"ptrace", EPERM, [] { return error_of(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
    {"unshare", EPERM, [] { return error_of(::unshare(CLONE_NEWUSER)); }},
    {"setuid", EPERM, [] { return error_of(::syscall(SYS_setuid, ::getuid())); }},
    {"keyctl", EPERM, [] { return error_of(::syscall(SYS_keyctl, 0, 0, 0, 0, 0)); }},
    {"io_uring_setup", EPERM, [] { return error_of(::syscall(SYS_io_uring_setup, 1, nullptr)); }},
    {"the state of the clock", 0,
     [] {
       timex facts{};
       return error_of(::adjtimex(&facts));
     }},
    {"setting its pace", EPERM,
     [] {
       timex facts{};
       facts.modes = ADJ_MAXERROR; // the least of all changes
       facts.maxerror = 1;
       return error_of(::adjtimex(&facts));
     }},
    {"the clock", EPERM,
     [] {
       timespec now{};
       ::clock_gettime(CLOCK_REALTIME, &now);
       return error_of(::syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
     }},
    {"raw packets", EPERM, [] { return error_of(::socket(AF_PACKET, SOCK_RAW, 0)); }},
    {"a family of few", EPERM, [] { return error_of(::socket(AF_ALG, SOCK_SEQPACKET, 0)); }},
    {"IPv4", 0, [] { return error_of(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"a local socket", 0, [] { return error_of(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
    {"UDP", 0, [] { return error_of(::socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP)); }},
    {"TCP by its number", 0, [] { return error_of(::socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)); }},
    {"MPTCP", EPERM, [] { return error_of(::socket(AF_INET, SOCK_STREAM, 262)); }}, // IPPROTO_MPTCP
    {"MPTCP of IPv6", EPERM, [] { return error_of(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 262)); }},
    {"MPTCP with bits that the kernel drops", EPERM,
     [] { return error_of(::syscall(SYS_socket, 0x100000000 + AF_INET, SOCK_STREAM, 0x100000000 + 262)); }},
    {"ICMP", EPERM, [] { return error_of(::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)); }},
    {"SCTP", EPERM, [] { return error_of(::socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)); }},
    {"routes by netlink", 0, [] { return error_of(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)); }},
    {"other netlink", EPERM, [] { return error_of(::socket(AF_NETLINK, SOCK_RAW, 2)); }}, // NETLINK_USERSOCK
    {"open_tree_attr", ENOSYS, [] { return error_of(::syscall(467, -100, "/", 0, nullptr, 0)); }},
    {"a young call of the kernel (cachestat)", ENOSYS,
     [] { return error_of(::syscall(451, -1, nullptr, nullptr, 0)); }},
    {"a file of memory", EPERM, [] { return error_of(::memfd_create("x", 0)); }},
    {"a file's code", EPERM,
     [] {
       const int file = ::open("/proc/self/exe", O_RDONLY);
       void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
       return at == MAP_FAILED ? errno : 0;
     }},
    {"memory made to run", EPERM,
     [] {
       void* at = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return error_of(::mprotect(at, 4096, PROT_READ | PROT_EXEC));
     }},
    {"memory", 0,
     [] {
       void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return at == MAP_FAILED ? errno : 0;
     }},
    {"memory to run", EPERM,
     [] {
       void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return at == MAP_FAILED ? errno : 0;
     }},
    {"a thread", 0,
     [] {
       pthread_t thread;
       const int error = pthread_create(&thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr);
       return error != 0 ? error : pthread_join(thread, nullptr);
     }},
};

TEST(SystemCalls, RefusesWhatAMailServerNeverDoes) {
  if (kSanitizerBuild) GTEST_SKIP() << "built with a sanitizer";
  if (in_child([] { return refuse_system_calls(false) ? 0 : 1; }) != 0) GTEST_SKIP() << "the kernel takes no filter";
  for (const CallCase& c : kCalls)
    EXPECT_EQ(in_child([&] { return refuse_system_calls(false) ? c.act() : 254; }), c.error) << c.name;
}

} // namespace
} // namespace paquebot::app
