#include "cli/maildir_folders.h"

#include "base/text.h"
#include "cli/export_place.h"
#include "cli/maildir_uidls.h"
#include "imap/mailbox_name.h"

#include <optional>

namespace paquebot::cli {

Result<std::string> folder_of_maildir(std::string_view name, const std::string& top) {
  name.remove_prefix(1);
  if (istarts_with(name, "INBOX.")) name.remove_prefix(6);
  std::string wire(name);
  for (char& c : wire)
    if (c == '.') c = imap::kDelimiter;
  auto read = imap::read_name(wire, false); // as Dovecot and Courier write it, unless they were told otherwise
  if (!read && is_utf8(wire)) read = imap::read_name(wire, true);
  if (!read) return fail(Errc::invalid, "its name is neither modified UTF-7 nor UTF-8");
  *read = undo_escapes(*read);
  std::string whole = top.empty() ? std::move(*read) : top + imap::kDelimiter + *read;
  if (const auto refusal = imap::refusal_of_name(whole)) return fail(Errc::invalid, std::string(*refusal));
  return whole == "INBOX" ? std::string() : whole;
}

/// Lines "0 $Label1".
std::vector<std::string> keywords_of_maildir(const Opened& maildir) {
  constexpr std::size_t kLetters = 26;
  std::vector<std::string> keywords;
  const auto text = read_list(maildir, "dovecot-keywords");
  if (!text) return keywords;
  for (const std::string_view line : split(*text, '\n')) {
    const std::size_t space = line.find(' ');
    const auto index = parse_u64(line.substr(0, space));
    if (!index || *index >= kLetters || space == std::string_view::npos) continue;
    if (keywords.size() <= *index) keywords.resize(*index + 1);
    keywords[*index] = trim(line.substr(space + 1));
  }
  return keywords;
}

} // namespace paquebot::cli
