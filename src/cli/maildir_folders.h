#pragma once

#include "cli/trusted_path.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// The mailbox for a folder of Maildir++: of ".Work.2026" it is "Work/2026", below `top` when that is not empty. Names
/// are in modified UTF-7 or UTF-8; one that all folders have in front ("INBOX.", as of Courier) is left out;
/// "\2e" stands for a dot within a name.
/// Errc::invalid: no mailbox can be called so.
Result<std::string> folder_of_maildir(std::string_view name, const std::string& top);

/// What Dovecot's file dovecot-keywords in a Maildir says of the letters from "a" on in names of files, at most 26; of
/// those that it does not name an empty one. Read as MaildirUidls reads.
std::vector<std::string> keywords_of_maildir(const Opened& maildir);

} // namespace paquebot::cli
