#pragma once

#include "store/sending_limits.h"
#include "store/types.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// What a submission is charged, and what comes of it: the rules of every backend. What an account has used is the
/// backend's to count, in the transaction that accepts.
namespace paquebot::store {

/// The recipients as the sender named them, in lower case, each once. What an alias of ours expands to is not the
/// sender's doing.
std::vector<std::string> named_recipients(const AcceptRequest& request);
/// What the message adds to one bound, when `named` of its recipients count and the account never wrote to `unknown` of
/// them.
std::uint64_t wanted_of(LimitKind kind, const AcceptRequest& request, std::size_t named, std::size_t unknown);
/// The first bound that the message would break.
std::optional<LimitHit> first_broken(std::span<const LimitHit> hits);
/// Bounds with a window of which the message passes the share kWarnPercent.
std::vector<LimitHit> passed_shares(std::span<const LimitHit> hits);

/// A report may settle only what was still owed, and of the same kind, when it was written. `owed`: what each of its
/// recipients owes now.
bool marks_hold(const NewMessage::Settles& settles, std::span<const Owed> owed);

} // namespace paquebot::store
