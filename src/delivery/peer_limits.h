#pragma once

#include "smtp/client_session.h"
#include "store/types.h"

#include <set>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// What a peer's LIMITS (RFC 9422) leave of one transaction: moves from `recipients` to `rest` whom RCPTMAX has no room
/// for, and those in one domain more than RCPTDOMAINMAX allows to the session. `domains`: of the session's recipients
/// so far; grows. False, with nothing changed, when nobody may go: a new session has room. MAILMAX is not looked at.
bool keep_limits(const smtp::PeerFeatures& limits, std::set<std::string>& domains,
                 std::vector<store::RecipientFacts>& recipients, std::vector<store::RecipientFacts>& rest);

} // namespace paquebot::delivery
