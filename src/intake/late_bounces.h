#pragma once

#include "intake/passage.h"
#include "store/takeover.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::intake {

/// What a message that came from outside under the null reverse-path says of mail that accounts of ours sent before:
/// one entry for each account it is for. Empty when it is no report of a failure, or returns nothing with an id of
/// ours. Pure.
std::vector<store::LateBounces> late_bounces(const queue::Draft& draft, std::string_view hostname);

/// The ids in trace fields of a head that `hostname` put there, at most three.
std::vector<Ulid> ids_in(const std::string& returned, std::string_view hostname);

} // namespace paquebot::intake
