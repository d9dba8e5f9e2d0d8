#pragma once

#include "cli/trusted_path.h"

#include <string>
#include <string_view>

/// Where an export goes: folders that only their owner can read, in which nothing of others is ever written over.
namespace paquebot::cli {

/// The folder at `path`, made with mode 0700 when it is not there; the one around it must exist. It is empty, or an
/// export of the same thing (`of`, one line) was begun in it: conflict else. Locked as long as it is open: conflict
/// when another export is at work. Other errors: permission, not_found, no_space, io.
Result<Opened> open_export(const std::string& path, const std::string& of);
/// A folder in it, made when it is not there. permission: it is another user's.
Result<Opened> make_within(const Opened& folder, const std::string& name);
/// A new file with mode 0600; conflict when there is something of that name.
Result<Descriptor> create_within(const Opened& folder, const std::string& name);
/// A file of the export's own with this content instead of what it had, durable.
Result<> write_list(const Opened& folder, const std::string& name, std::string_view content);
/// Renames a file into another folder; conflict when there is something of that name.
Result<> move_new(const Opened& from, const std::string& name, const Opened& to, const std::string& wanted);
/// All that was written in it so far is durable.
Result<> sync_within(const Opened& folder);
/// The name of a mailbox as a folder of Maildir++ without the dot in front: modified UTF-7, levels parted by ".". What
/// would be read as something else stands as "\2e", as in Dovecot's plugin listescape. refused: too long for a file.
Result<std::string> file_of_folder(std::string_view folder);
/// Undoes the latter.
std::string undo_escapes(std::string_view level);

} // namespace paquebot::cli
