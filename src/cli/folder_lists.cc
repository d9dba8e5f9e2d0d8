#include "cli/folder_lists.h"

#include "base/text.h"
#include "cli/export_place.h"
#include "cli/maildir_folders.h"
#include "cli/maildir_uidls.h"
#include "imap/flags.h"

#include <algorithm>
#include <optional>

namespace paquebot::cli {
namespace {

constexpr const char* kSubscriptions = "subscriptions";
constexpr const char* kUses = "paquebot-special-use";

/// The mailbox of a line; nothing when there can't be one.
std::optional<std::string> folder_of_line(std::string_view line, const std::string& top) {
  std::string name = "." + std::string(line);
  std::ranges::replace(name, '\t', '.');
  if (iequals(name, ".INBOX")) return top;
  auto folder = folder_of_maildir(name, top);
  if (!folder) return {};
  return std::move(*folder);
}

std::string text_of(const Opened& root, const char* name, const char* otherwise) {
  auto text = read_list(root, name);
  if (!text && otherwise != nullptr) text = read_list(root, otherwise);
  return text.value_or(std::string());
}

} // namespace

FolderLists::FolderLists(const Opened& root, const std::string& top) {
  const std::string names = text_of(root, kSubscriptions, "courierimapsubscribed");
  for (const std::string_view line : split(names, '\n')) {
    if (line.empty() || line == "V\t2" || subscribed_.size() == kMostNames) continue;
    if (auto folder = folder_of_line(line, top)) subscribed_.insert(std::move(*folder));
  }
  if (!top.empty()) return; // what is below another mailbox is not the account's own
  const std::string uses = text_of(root, kUses, nullptr);
  std::set<std::string_view> given; // each once: two mailboxes would become one
  for (const std::string_view line : split(uses, '\n')) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || imap::special_use(line.substr(0, space)) == 0) continue;
    const auto folder = folder_of_line(line.substr(space + 1), top);
    if (!folder || folder->empty() || !given.insert(line.substr(0, space)).second) continue;
    std::string& own = uses_[*folder];
    own.append(own.empty() ? "" : " ").append(line.substr(0, space));
  }
}

ImportedFolder FolderLists::of(const std::string& folder) const {
  ImportedFolder found{.name = folder};
  if (!subscribed_.empty()) found.subscribed = subscribed_.contains(folder);
  if (const auto use = uses_.find(folder); use != uses_.end()) found.use = use->second;
  return found;
}

Result<> write_folder_lists(const Opened& root, const std::vector<ExportedFolder>& folders) {
  std::string subscribed, uses;
  for (const ExportedFolder& folder : folders) {
    const auto name = file_of_folder(folder.name);
    if (!name) continue; // it was told of, and is not in the export
    if (folder.subscribed) subscribed.append(*name).append("\n");
    for (const std::string_view use : split(folder.use, ' '))
      if (!use.empty()) uses.append(use).append(" ").append(*name).append("\n");
  }
  if (auto done = write_list(root, kSubscriptions, subscribed); !done) return done;
  return write_list(root, kUses, uses);
}

} // namespace paquebot::cli
