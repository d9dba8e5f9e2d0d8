#pragma once

#include "control/json.h"

#include <string>

namespace paquebot::service {

/// The room on the disk of that folder, for the status: free and size, in octets; nothing when it can't be told.
control::json::object disk_status(const std::string& folder);

} // namespace paquebot::service
