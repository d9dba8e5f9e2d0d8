#pragma once

#include "metrics/text.h"

#include <string>
#include <vector>

namespace paquebot::service {

/// What the system knows of this process, by the names that Prometheus' own libraries give it; what can't be found out
/// is left out. `proc`: "/proc/self".
std::vector<metrics::Gauge> process_gauges(const std::string& proc);

} // namespace paquebot::service
