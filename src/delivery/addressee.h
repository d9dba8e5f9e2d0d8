#pragma once

#include "directory/directory.h"
#include "mail/address.h"
#include "queue/draft.h"

namespace paquebot::delivery {

/// The recipient of a message of ours, of which nobody is to be told anything (RFC 3461 section 6.2): where the
/// directory says that it goes, or elsewhere. `local`: it is about mail of a program on this machine
/// (Directory::resolve_local). not_found when the address would be ours, but does not exist.
Task<Result<queue::DraftRecipient>> addressee(directory::Directory& directory, mail::Address to, bool local = false);

} // namespace paquebot::delivery
