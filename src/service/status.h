#pragma once

#include "control/json.h"
#include "search/index.h"

#include <string>

namespace paquebot::service {

/// The room on the disk of that folder, for the status: free and size, in octets; nothing when it can't be told.
control::json::object disk_status(const std::string& folder);
/// How the index for searches does.
control::json::object search_status(const search::IndexFacts& facts);

} // namespace paquebot::service
