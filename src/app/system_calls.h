#pragma once

#include "base/result.h"

namespace paquebot::app {

/// Takes from all threads of the process, for good, the system calls that a mail server never makes and that help
/// whoever has taken it over: they answer EPERM from now on. No program can be run and no process started any more;
/// sockets are TCP, UDP, local ones and netlink's routes; no page can be made executable. Calls that are younger than
/// the list answer ENOSYS. docs/security.md has the list. `no_network`: no socket of any kind can be made, bound or
/// connected either; those that are there go on. Sets no_new_privs. Returns how many calls are refused whole. Errors:
/// `unsupported` when the kernel has no seccomp, else `io`.
Result<int> refuse_system_calls(bool no_network);

} // namespace paquebot::app
