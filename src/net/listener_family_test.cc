#include "base/log.h"
#include "net/listener.h"

#include <cerrno>
#include <cstddef>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paquebot::net {
namespace {

/// From now on this process gets no socket of IPv6: what a kernel without it, and RestrictAddressFamilies= of a unit,
/// answer.
bool take_ipv6_away() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog whole{sizeof program / sizeof *program, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0 &&
         ::socket(AF_INET6, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT;
}

TEST(Listener, WithoutIpv6AllAddressesAreThoseOfIpv4) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!take_ipv6_away()) ::_exit(77);
    const auto both = Listener::open("[::]:0");
    if (!both) ::_exit(1);
    if (both->bound().address != "0.0.0.0" || both->bound().port == 0) ::_exit(2);
    if (Listener::open("[::1]:0")) ::_exit(3); // one address of IPv6 was meant
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "the kernel takes no filter";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace
} // namespace paquebot::net
