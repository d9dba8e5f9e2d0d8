#pragma once

#include "app/config.h"
#include "control/live.h"

#include <vector>

namespace paquebot::app {

/// Every key of the configuration as this one has it, in the order of the documents; of lists each item's. What is
/// secret is in files of its own, of which only the names are told.
std::vector<control::SettingFacts> setting_list(const Config& config);

} // namespace paquebot::app
