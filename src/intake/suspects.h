#pragma once

#include "intake/notice.h"
#include "intake/passage.h"

namespace paquebot::intake {

/// For each account that was marked since the last time (store::Suspicion): holds what waits of its mail, tells its
/// owner and the operator (postmaster of its domain) by one message to both, and writes the log line. What a crash
/// leaves undone is done at the next call; the message has an id from the beginning, so that it is written once. Gives
/// for how many it did all that. `all`: holds again what waits of those told before (at the start, when what was in
/// hand waits again).
Task<std::size_t> attend_suspects(IntakeMeans means, directory::Directory& directory, std::string hostname, bool all);

/// The text of that message. `postmaster`: the operator's address.
Notice compose_takeover_notice(const std::string& hostname, const std::string& postmaster,
                               const store::Suspicion& suspicion, WallTime now);

} // namespace paquebot::intake
