#include "app/system_calls.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <memory>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

// By name, so that a call which this machine's architecture or libseccomp doesn't know is left out.
constexpr const char* kRefused[] = {
    // programs and processes
    "execve",
    "execveat",
    "fork",
    "vfork",
    // other processes' memory and descriptors
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    // other views of the system
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "name_to_handle_at",
    "open_by_handle_at",
    "mknod",
    "mknodat",
    // other rights
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "setuid32",
    "setgid32",
    "setreuid32",
    "setregid32",
    "setresuid32",
    "setresgid32",
    "setfsuid32",
    "setfsgid32",
    "setgroups32",
    "capset",
    "personality",
    "keyctl",
    "add_key",
    "request_key",
    // the kernel and the machine
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "fanotify_init",
    "lookup_dcookie",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vm86",
    "vm86old",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "quotactl_fd",
    "syslog",
    "vhangup",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "clock_settime",
    "clock_settime64",
    "stime",
    "nfsservctl",
    // memory that is a file: what was written through one mapping could be run through another
    "memfd_create",
    "memfd_secret",
    "remap_file_pages",
    "uselib",
    "ustat",
    "sysfs",
    "_sysctl",
};

/// Calls that are younger than this machine's libseccomp may be: their numbers are the same on all architectures, and
/// it may know no name for them. Refused is what none of ours asks for, such as open_tree_attr (467), and what is still
/// to come; those who might ask one day (the C library for futexes, fchmodat2) take the older call then.
constexpr int kFirstYoung = 448, kLastYoung = 547;
constexpr int kYoungAllowed[] = {
    449,           // futex_waitv
    452,           // fchmodat2
    454, 455, 456, // futex_wake, futex_wait, futex_requeue
    462,           // mseal
};

constexpr std::uint64_t kLow = 0xffffffff; // the kernel reads these arguments as 32 bits

/// Argument number `argument` has exactly `value` of the bits of `mask`.
scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

/// Collects the rules; `error` is the first failure's number.
class Filter {
public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW), seccomp_release) {}

  void refuse(int call, int number = EPERM) { add(call, number, 0, nullptr); }
  void refuse_when(int call, scmp_arg_cmp condition) { add(call, EPERM, 1, &condition); }
  void refuse_when(int call, scmp_arg_cmp one, scmp_arg_cmp other) {
    const scmp_arg_cmp both[] = {one, other};
    add(call, EPERM, 2, both);
  }
  /// Puts it in force for all threads. 0, or the number of what failed.
  int load() {
    if (!context_) return ENOMEM;
    if (error_ == 0) error_ = -seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1);
    return error_ != 0 ? error_ : -seccomp_load(context_.get());
  }

private:
  void add(int call, int number, unsigned conditions, const scmp_arg_cmp* condition) {
    if (!context_ || error_ != 0 || call == __NR_SCMP_ERROR) return;
    error_ = -seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(number)), call, conditions,
                                     condition);
  }
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

/// Processes by clone: only threads. What clone3 asks for lies in memory where no filter sees it; the C library takes
/// clone then.
void refuse_processes(Filter& filter) {
  filter.refuse_when(SCMP_SYS(clone), masked(0, CLONE_THREAD, 0));
  filter.refuse(SCMP_SYS(clone3), ENOSYS);
}

void refuse_sockets(Filter& filter) {
  for (int family = 0; family <= AF_NETLINK; ++family)
    if (family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK)
      filter.refuse_when(SCMP_SYS(socket), masked(0, kLow, static_cast<std::uint64_t>(family)));
  filter.refuse_when(SCMP_SYS(socket), scmp_arg_cmp{0, SCMP_CMP_GT, AF_NETLINK, 0});
  // Of the internet only TCP and UDP: a listener of MPTCP would be one that Landlock does not see. Of netlink only the
  // routes, which the C library asks for.
  for (const std::uint64_t family : {std::uint64_t{AF_INET}, std::uint64_t{AF_INET6}}) {
    const scmp_arg_cmp of_family = masked(0, kLow, family);
    for (std::uint64_t protocol = 1; protocol < IPPROTO_UDP; ++protocol)
      if (protocol != IPPROTO_TCP) filter.refuse_when(SCMP_SYS(socket), of_family, masked(2, kLow, protocol));
    filter.refuse_when(SCMP_SYS(socket), of_family, scmp_arg_cmp{2, SCMP_CMP_GT, IPPROTO_UDP, 0});
  }
  filter.refuse_when(SCMP_SYS(socket), masked(0, kLow, AF_NETLINK), scmp_arg_cmp{2, SCMP_CMP_GT, NETLINK_ROUTE, 0});
}

/// No page that can be run from now on: neither new ones nor those of a file, which could be one of our own. All
/// libraries are there already (load_libraries()).
void refuse_new_code(Filter& filter) {
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)})
    filter.refuse_when(call, masked(2, PROT_EXEC, PROT_EXEC));
  filter.refuse_when(SCMP_SYS(shmat), masked(2, SHM_EXEC, SHM_EXEC));
}

void refuse_young_calls(Filter& filter) {
  for (int call = kFirstYoung; call <= kLastYoung; ++call)
    if (std::ranges::find(kYoungAllowed, call) == std::end(kYoungAllowed)) filter.refuse(call, ENOSYS);
}

/// adjtimex tells whether the clock is kept in step, and could set it for who has the right: nobody here has it any
/// more, also as root. Before the first thread is started, since it is of the thread alone. 0 or the number of what
/// failed.
int give_up_clock() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, rights) != 0) return errno;
  __user_cap_data_struct& word = rights[CAP_TO_INDEX(CAP_SYS_TIME)];
  const std::uint32_t rest = ~CAP_TO_MASK(CAP_SYS_TIME);
  word.effective &= rest;
  word.permitted &= rest;
  word.inheritable &= rest;
  return ::syscall(SYS_capset, &header, rights) == 0 ? 0 : errno;
}

} // namespace

Result<int> refuse_system_calls(bool no_network) {
  if (const int error = give_up_clock(); error != 0)
    return fail(Errc::io, std::string("the right to set the clock can't be given up: ") + std::strerror(error));
  Filter filter;
  int refused = 0;
  for (const char* name : kRefused) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call < 0) continue; // not of this architecture
    filter.refuse(call);
    ++refused;
  }
  refuse_processes(filter);
  if (no_network)
    for (const int call : {SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
                           SCMP_SYS(accept4), SCMP_SYS(connect)})
      filter.refuse(call);
  else
    refuse_sockets(filter);
  refuse_new_code(filter);
  refuse_young_calls(filter);
  filter.refuse_when(SCMP_SYS(ioctl), masked(1, kLow, TIOCSTI)); // typing into the terminal
  if (const int error = filter.load(); error != 0)
    return fail(error == EINVAL ? Errc::unsupported : Errc::io,
                std::string("the kernel takes no seccomp filter: ") + std::strerror(error));
  return refused;
}

} // namespace paquebot::app
