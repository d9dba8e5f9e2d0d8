#pragma once

#include "store/types.h"

#include <string>

namespace paquebot::store::sqlite {

/// What stands on top of a message in the mailbox of that recipient. RFC 5321 section 4.4: Return-Path at final
/// delivery; RFC 9228: Delivered-To.
std::string prefix_of(const AcceptRequest& request, const NewRecipient& recipient);

/// The state that a recipient's row begins with.
State first_state(const NewRecipient& recipient);

} // namespace paquebot::store::sqlite
