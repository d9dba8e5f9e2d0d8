#pragma once

#include "cli/client_driver.h"
#include "cli/verbs.h"

namespace paquebot::cli {

/// Where a client program connects and as whom: --server, --tls, --insecure, --ca-file, --user and the password.
/// Without
/// --server: the `listener` of this machine's configuration, else `standard`.
Result<Target> read_target(Session& session, const Arguments& arguments, NearListener ServerPlace::* listener,
                           const char* standard);

} // namespace paquebot::cli
