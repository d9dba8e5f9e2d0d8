#pragma once

#include "base/task.h"
#include "control/control.h"
#include "net/stream.h"

namespace paquebot::service {

/// Serves the control API over one connection of the control socket until the peer closes, is idle for a minute, or
/// breaks a rule. Only root and the user that the server runs as are heard; who asks goes into the trail. `control`
/// must outlive it.
Task<void> serve_http(net::Stream stream, control::Control& control);

} // namespace paquebot::service
