#pragma once

#include "cli/client_driver.h"
#include "cli/import.h"
#include "cli/progress.h"

#include <iosfwd>
#include <string>

namespace paquebot::cli {

/// Reads all mailboxes of an account of another server, with flags and dates; \Recent and \Deleted mail too. Mailboxes
/// with a special use become ours with that use, subscribed ones subscribed ones (ImapFolder::subscribed); those that
/// only show what is in others are left out. `folder`: into which all of it goes, the other's INBOX too; empty: into
/// the mailboxes of the same names. ImportedMessage::origin is of when the message came, its size, and who, when and
/// what its head says: a second run asks for no more of what was taken. Errors as import_mailbox().
Result<ImportSummary> import_imap(const Target& target, const std::string& folder, ProgressBar& bar,
                                  const ImportSink& sink, std::ostream& problems, const ImportFolders& folders = {});

} // namespace paquebot::cli
