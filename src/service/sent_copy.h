#pragma once

#include "base/task.h"
#include "base/ulid.h"
#include "store/store.h"

#include <string>

namespace paquebot::service {

/// What an account has sent, for its mailbox with the use \\Sent.
struct SentCopy {
  store::Account account;
  std::string content; ///< whole, with CRLF
  std::string origin;  ///< what tells it from others: a second time it is not kept once more
  std::string peer;    ///< from where it was sent
};

/// Keeps it there, as read; in INBOX when the account has no such mailbox. That it could not be is a line of the log:
/// the message itself has gone out. Both outlive it.
Task<void> keep_sent_copy(store::Store& store, UlidSource& ids, SentCopy copy);

} // namespace paquebot::service
