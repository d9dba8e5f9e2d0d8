#pragma once

#include "control/submission.h"
#include "service/assembly.h"

namespace paquebot::service {

/// Takes a message that came by the API as a session of submission would: the same policy, limits, filters and steps of
/// intake, with the settings of the first submission listener. `parts` must outlive it.
Task<control::Submitted> submit_by_api(Assembly& parts, control::Submission wanted);

} // namespace paquebot::service
