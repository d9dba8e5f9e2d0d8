#include "folder_promises.h"

#include "run_task.h"
#include "store/entry_flags.h"

#include <algorithm>
#include <sstream>

namespace paquebot::faults {

void FolderPromises::take(const std::string& note) {
  std::istringstream words(note);
  std::string what;
  std::string subject;
  words >> what >> subject;
  if (what == "folder") words >> folders_[subject];
  const bool copy = what.ends_with("copy");
  if (what != "may" && what != "is" && !copy) return;
  Place place;
  words >> place.folder >> place.uid >> place.flags >> place.modseq;
  auto& places = (copy ? copies_ : messages_)[subject];
  if (what == "is" || what == "copy") {
    places.clear();
    ++acknowledged_;
  } else if (places.empty()) {
    places.push_back({.folder = "-"}); // before it was begun it was nowhere
  }
  places.push_back(std::move(place));
}

bool FolderPromises::Place::fits(const Place& found) const {
  return folder == found.folder && flags == found.flags && (uid == 0 || uid == found.uid) &&
         (modseq == 0 || modseq == found.modseq);
}

void FolderPromises::look(store::Store& store, const std::string& name, const store::MailboxInfo& info, Found& found,
                          std::vector<std::string>& problems) const {
  const auto entries = run(store.mailboxes().list_entries(info.id, 0, 100'000));
  if (!entries) {
    problems.push_back(name + " can't be listed: " + entries.error().message);
    return;
  }
  for (const store::EntryInfo& entry : *entries) {
    const auto content = run(store.mailboxes().read_entry(info.id, entry.uid));
    const std::string where = name + " uid " + std::to_string(entry.uid);
    if (!content) {
      problems.push_back(where + " can't be read: " + content.error().message);
      continue;
    }
    if (entry.uid >= info.uidnext) problems.push_back(where + " is not below UIDNEXT");
    if (entry.modseq > info.modseq) problems.push_back(where + " has a modseq above the mailbox's");
    const auto at = content->head.find("X-Id: ");
    const std::string id = at == std::string::npos ? std::string() : content->head.substr(at + 6, 26);
    found[id].push_back({name, entry.uid, entry.flags & store::kSystemFlags, entry.modseq});
  }
}

/// Whether it and its copy may be what was found, and nothing else is there.
bool FolderPromises::explains(const std::string& id, const std::vector<Place>& found) const {
  const Place nowhere{.folder = "-"};
  const auto may = [&](const std::vector<Place>& places, const Place& there) {
    return std::ranges::any_of(places, [&](const Place& one) { return one.fits(there); });
  };
  const auto copy = copies_.find(id);
  const std::vector<Place>& own = messages_.at(id);
  if (found.size() > 2) return false;
  const Place first = found.empty() ? nowhere : found[0], second = found.size() < 2 ? nowhere : found[1];
  if (copy == copies_.end()) return second.folder == "-" && may(own, first);
  return (may(own, first) && may(copy->second, second)) || (may(own, second) && may(copy->second, first));
}

std::vector<std::string> FolderPromises::broken_in(store::Store& store, store::Id account) const {
  std::vector<std::string> problems;
  Found found;
  for (const auto& [name, validity] : folders_) {
    const auto info = run(store.mailboxes().open(account, name));
    if (!info) {
      problems.push_back("the folder " + name + " is gone: " + info.error().message);
      continue;
    }
    if (info->uidvalidity != validity) problems.push_back("the folder " + name + " has another UIDVALIDITY");
    look(store, name, *info, found, problems);
  }
  for (const auto& [id, places] : found) {
    if (!messages_.contains(id)) problems.push_back(places.front().folder + " has a message that nobody put there");
  }
  for (const auto& [id, places] : messages_) {
    const auto at = found.find(id);
    if (explains(id, at == found.end() ? std::vector<Place>() : at->second)) continue;
    const Place there = at == found.end() ? Place{.folder = "-"} : at->second.front();
    const std::size_t often = at == found.end() ? 0 : at->second.size();
    const Place& last = places.back();
    problems.push_back(id + " is there " + std::to_string(often) + " times, in " + there.folder + " as uid " +
                       std::to_string(there.uid) + " with flags " + std::to_string(there.flags) + " and modseq " +
                       std::to_string(there.modseq) + ", not in " + last.folder + " as uid " +
                       std::to_string(last.uid) + " with " + std::to_string(last.flags) + " and " +
                       std::to_string(last.modseq));
  }
  return problems;
}

} // namespace paquebot::faults
