#pragma once

#include "base/result.h"
#include "control/control.h"

#include <string>

/// Orders that were given while the server was down: kept in a file of the data directory until its next start, whose
/// log then has them.
namespace paquebot::control {

/// Adds one, synced. As the owner of the directory.
Result<> keep_order(const std::string& data_directory, const Order& order);
/// Logs them all (event=control, with `at` and while=down) and forgets them. A crash in the middle has them told again.
void tell_kept_orders(const std::string& data_directory);

} // namespace paquebot::control
