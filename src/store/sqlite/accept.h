#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"

namespace paquebot::store::sqlite {

/// Takes responsibility for one message inside the writer's transaction. A refusal changes nothing: all that can be
/// refused is looked at first.
AcceptResult accept_message(Tx& tx, const AcceptRequest& request);

} // namespace paquebot::store::sqlite
