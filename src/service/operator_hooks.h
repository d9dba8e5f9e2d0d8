#pragma once

#include "control/control.h"
#include "service/assembly.h"

namespace paquebot::service {

/// What operators' actions reach of these parts, which must outlive the hooks. The server's own are for it to add:
/// status and reload.
control::Hooks operator_hooks(Assembly& parts);

} // namespace paquebot::service
