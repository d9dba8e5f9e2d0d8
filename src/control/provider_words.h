#pragma once

#include "queue/shaping.h"

#include <cstdint>
#include <string>

namespace paquebot::control {

/// "14:30", of the day in UTC. `wall`: milliseconds.
std::string clock_text(std::int64_t wall);
/// "google, 10 a minute until 14:30 UTC by google-dkim-rate (421 4.7.28 … at 14:00)".
std::string wait_words(const queue::Throttles::Wait& wait);

} // namespace paquebot::control
