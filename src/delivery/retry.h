#pragma once

#include "queue/queue.h"
#include "store/types.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// When recipients of a message for one destination who fail together are due again (wall milliseconds): all at the
/// same moment, by the most attempts that any of them had (queue::retry_at).
std::int64_t due_again(const queue::Schedule& schedule, const store::MessageFacts& message,
                       const std::vector<store::RecipientFacts>& recipients, const std::string& destination,
                       std::int64_t now);

/// By what time a failure is judged, where `now` is the time of Clock::settled(): what was accepted in this run and is
/// tried for the first time is not old, even if the clock was behind when it came and is right now.
std::int64_t judged_by(const queue::Job& job, std::int64_t now);

} // namespace paquebot::delivery
