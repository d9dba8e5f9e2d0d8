#pragma once

#include "cli/export.h"
#include "cli/import.h"
#include "cli/trusted_path.h"

#include <map>
#include <set>
#include <string>
#include <vector>

/// Which mailboxes of a Maildir++, or of a folder of mbox files, are subscribed, and what they are for. Beside them
/// stand:
/// - `subscriptions`, as Dovecot has it: a name a line, as of a folder of Maildir++ without the dot in front. Read in
///   the form with tabs between levels as well (its version 2), else Courier's courierimapsubscribed.
/// - `paquebot-special-use`, our own: lines "\Sent Work.Sent", the use of RFC 6154 and a name as above.
namespace paquebot::cli {

class FolderLists {
public:
  static constexpr std::size_t kMostNames = 10'000; ///< of a list; what stands behind is passed over

  FolderLists() = default;
  /// `top`: as import_mailbox()'s folder. Lines that say nothing are passed over. Read as MaildirUidls reads.
  FolderLists(const Opened& root, const std::string& top);

  /// `folder`: the mailbox it goes into, `top` in front. A list without a name says nothing of any.
  ImportedFolder of(const std::string& folder) const;

private:
  std::set<std::string> subscribed_;
  std::map<std::string, std::string> uses_;
};

/// Writes both, durably, instead of those of a run before.
Result<> write_folder_lists(const Opened& root, const std::vector<ExportedFolder>& folders);

} // namespace paquebot::cli
