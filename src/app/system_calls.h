#pragma once

#include "base/result.h"

namespace paquebot::app {

/// Takes from all threads of the process, for good, the system calls that a mail server never makes and that help whoever has
/// taken it over: they answer EPERM from now on. No program can be run and no process started any more; sockets are of the
/// internet, local or netlink; no memory is writable and executable. docs/security.md has the list.
/// Sets no_new_privs. Returns how many calls are refused whole. Errors: `unsupported` when the kernel has no seccomp, else `io`.
Result<int> refuse_system_calls();

} // namespace paquebot::app
