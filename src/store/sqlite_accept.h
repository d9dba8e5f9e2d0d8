#pragma once

#include "base/result.h"
#include "store/sqlite_tx.h"

namespace paquebot::store {

/// Takes responsibility for one message inside the writer's transaction. A refusal changes nothing: all that can be
/// refused is looked at first.
AcceptResult accept_message(Tx& tx, const AcceptRequest& request);

/// For the writer: a refusal must leave nothing behind.
inline bool keeps(const Result<AcceptResult>& result) { return result && result->status == AcceptStatus::accepted; }

} // namespace paquebot::store
