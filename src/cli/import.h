#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// A message found in an old mailbox.
struct ImportedMessage {
  std::string source;                    ///< where it is from, for people: "inbox.mbox, octet 1234", "cur/1.2.host:2,S"
  std::string folder;                    ///< the mailbox it goes into: UTF-8, levels parted by "/"; empty: INBOX
  std::optional<WallTime> internal_date; ///< mbox: of its "From " line (taken as UTC); Maildir: of the file
  std::string uidl;                      ///< by which name POP3 clients know it (MaildirUidls); empty: nothing is known
  std::string origin{};  ///< what tells it from others, where that is known without its content (IMAP); else empty
  bool of_mbox = false;  ///< fields in its head say the UIDL and flags, and these numbers
  std::uint32_t uid = 0; ///< that IMAP clients know it by; 0: nothing is known
  std::uint32_t uidvalidity = 0, uidnext = 0; ///< of the mailbox that it was in
  // Maildir flags S, R, F, D and T.
  bool seen = false, answered = false, flagged = false, draft = false, trashed = false;
  std::vector<std::string> keywords{}; ///< IMAP's; of a Maildir what dovecot-keywords says of its letters
};

/// Gives the next piece of the message, head and body, with CRLF line ends and one at the end; at most about 128 KiB,
/// valid until the next call. Empty at the end.
using ImportContent = std::function<Result<std::string_view>()>;

enum class Imported { now, before };
/// Takes one message, or finds that it was imported before; it needn't read all of it. Errc::invalid means that this
/// one message can't be taken: it is reported and the import goes on. Any other error ends it.
using ImportSink = std::function<Result<Imported>(const ImportedMessage& message, const ImportContent& content)>;

/// A mailbox that was found.
struct ImportedFolder {
  std::string name{};               ///< as ImportedMessage::folder
  std::string use{};                ///< "\Sent" (RFC 6154), several with spaces between; empty: none
  std::optional<bool> subscribed{}; ///< nothing: not known
};
/// Hears of it before its messages; it may have none. Errors as above.
using ImportFolders = std::function<Result<>(const ImportedFolder& folder)>;

struct ImportSummary {
  std::uint64_t imported = 0;
  std::uint64_t before = 0;   ///< were imported before
  std::uint64_t failed = 0;   ///< each has a line in `problems`
  std::optional<Error> ended; ///< the sink's error that ended it early
};

/// Reads a Maildir (a folder with cur and new, in the order of their delivery), with the folders in it whose names
/// begin with a dot (Maildir++: ".Work.2026" is "Work/2026"), or an mbox file (MboxReader; one ">" is taken from ">From
/// " lines, as mboxrd and mboxo have them), or a folder of files NAME.mbox as `export mail` makes it. All of it goes
/// into `folder` (empty: INBOX), folders below it. Uids come of dovecot-uidlist, courierimapuiddb or X-UID,
/// subscriptions and uses of FolderLists (no use below a `folder`). Line ends become CRLF. What can't be read is
/// reported to `problems` with file and offset, and left out; so is what is doubtful, and taken all the same. Whoever
/// owns the mailbox may have put anything there while root reads it: links are not followed (open_trusted), and of a
/// Maildir only what belongs to the Maildir's owner is read, of an mbox file with further names only what belongs to
/// the owner of its folder. Errc::not_found and Errc::invalid when `path` is neither, and not_found when there is no
/// message at all.
Result<ImportSummary> import_mailbox(const std::string& path, const std::string& folder, const ImportSink& sink,
                                     std::ostream& problems, const ImportFolders& folders = {});

/// About how many octets that would read; 0 when it can't be read.
std::uint64_t octets_of_mailbox(const std::string& path);

} // namespace paquebot::cli
