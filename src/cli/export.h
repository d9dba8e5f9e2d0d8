#pragma once

#include "cli/progress.h"
#include "cli/trusted_path.h"
#include "cli/verbs.h"

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

struct ExportedFolder {
  std::string name; ///< UTF-8, levels parted by "/"
  std::uint32_t uidvalidity = 0, uidnext = 0;
  std::uint64_t messages = 0, octets = 0;
  std::string use{}; ///< "\Sent" (RFC 6154), several with spaces between; empty: none
  bool subscribed = false;
};
struct ExportedMessage {
  std::uint32_t uid = 0;
  std::string uidl;
  std::uint64_t flags = 0; ///< store::Flag
  std::vector<std::string> keywords;
  std::int64_t date = 0; ///< milliseconds since 1970
};
/// The next piece of a message with CRLF line ends, valid until the next call; empty at the end.
using ExportContent = std::function<Result<std::string_view>()>;

/// Writes mailboxes in one format, one after the other. Nothing that is there is written over: what a run before wrote
/// is found again.
class ExportWriter {
public:
  virtual ~ExportWriter() = default;
  /// Errc::refused: this mailbox can't be written, the others can. `keywords`: all that messages in it can have.
  virtual Result<> begin(const ExportedFolder& folder, const std::vector<std::string>& keywords) = 0;
  /// Whether a run before wrote it.
  virtual bool has(const ExportedMessage& message) = 0;
  virtual Result<> write(const ExportedMessage& message, const ExportContent& content) = 0;
  /// All of the mailbox is durable.
  virtual Result<> end() = 0;
  /// Once all were written: which are subscribed, and what they are for (write_folder_lists).
  virtual Result<> finish(const std::vector<ExportedFolder>& folders) = 0;
};

/// A Maildir with folders (Maildir++), and what Dovecot keeps beside: dovecot-uidlist, dovecot-keywords. Files have the
/// date at which a message came. `root` outlives it; `problems` is told which keywords have no letter left.
std::unique_ptr<ExportWriter> maildir_writer(const Opened& root, std::ostream& problems);
/// A file a mailbox, NAME.mbox (mboxrd), with X-IMAPbase, X-UID, Status, X-Status, X-Keywords and X-UIDL at the end of
/// each head. A file that is whole is left as it is.
std::unique_ptr<ExportWriter> mbox_writer(const Opened& root);

struct ExportSummary {
  std::uint64_t exported = 0;
  std::uint64_t before = 0; ///< were written by a run before
  std::uint64_t failed = 0; ///< mailboxes; each has a line in `problems`
};
/// All mailboxes of an account. What comes meanwhile may be missing.
Result<ExportSummary> export_account(Session& session, const std::string& login, ExportWriter& writer, ProgressBar& bar,
                                     std::ostream& problems);
/// About how many octets that reads.
Result<std::uint64_t> octets_of_account(Session& session, const std::string& login);

} // namespace paquebot::cli
