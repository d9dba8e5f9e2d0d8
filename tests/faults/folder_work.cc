#include "folder_work.h"

#include "run_task.h"

#include <memory>
#include <utility>
#include <vector>

namespace paquebot::faults {
namespace {
constexpr const char* kFolders[] = {"Archive", "Plans/2026"};
constexpr std::uint64_t kMarks = store::kSeen | store::kAnswered | store::kFlagged | store::kDraft;
} // namespace

FolderWork::FolderWork(LogVfs& vfs, store::Store& store, UlidSource& ids, store::Id account, unsigned seed)
    : vfs_(vfs), store_(store), ids_(ids), account_(account), chance_(seed) {
  for (const char* name : kFolders) {
    static_cast<void>(run(store_.mailboxes().create_folder(account_, name, 0)));
    const auto info = run(store_.mailboxes().open(account_, name));
    if (!info) continue;
    folders_[name] = info->id;
    vfs_.note(std::string("folder ") + name + " " + std::to_string(info->uidvalidity));
  }
}

void FolderWork::note(const char* what, const std::string& id, const Message& message, std::int64_t modseq) {
  vfs_.note(std::string(what) + " " + id + " " + message.folder + " " + std::to_string(message.uid) + " " +
            std::to_string(message.flags) + " " + std::to_string(modseq));
}

void FolderWork::change_some() {
  if (folders_.size() != std::size(kFolders)) return;
  for (int i = 0; i < 2; ++i) append();
  for (int i = 0; i < 4 && !messages_.empty(); ++i) {
    const auto which = std::next(messages_.begin(), static_cast<std::ptrdiff_t>(chance_() % messages_.size()));
    switch (chance_() % 6) {
      case 3: replace(which); break;
      case 0: move(which); break;
      case 1: expunge(which); break;
      case 2: copy(which); break;
      default: mark(which); break;
    }
  }
}

bool FolderWork::append() {
  auto request = std::make_shared<store::AcceptRequest>();
  request->id = ids_.next();
  const std::string id = request->id.to_string();
  Message message{kFolders[chance_() % std::size(kFolders)], 0, chance_() & kMarks};
  request->new_id = true;
  request->klass = store::MessageClass::imported;
  request->account = account_;
  request->accepted_at = request->expires_at = request->id.millis();
  request->head = "Subject: kept\r\nX-Id: " + id + "\r\n\r\n";
  request->body.bytes.assign(chance_() % 2000, 'k');
  request->body.size = request->body.bytes.size();
  request->flags = message.flags;
  store::NewRecipient recipient;
  recipient.address = "anna@example.test";
  recipient.handling = store::Handling::mailbox;
  recipient.notify = mail::kNotifyNever;
  recipient.account = account_;
  recipient.mailbox = message.folder;
  request->recipients.push_back(std::move(recipient));
  note("may", id, message);
  std::shared_ptr<const store::AcceptRequest> sealed = std::move(request);
  const auto done = run(store_.acceptance().accept(std::move(sealed)));
  if (done.status != store::AcceptStatus::accepted || done.uids.empty()) return false;
  message.uid = done.uids.front();
  note("is", id, message);
  messages_.emplace(id, message);
  return true;
}

void FolderWork::mark(Messages::iterator message) {
  Message& one = message->second;
  store::FlagChange change;
  change.how = store::FlagChange::How::replace;
  change.flags = chance_() & kMarks;
  one.flags = change.flags;
  note("may", message->first, one);
  const store::UidSet uids{{one.uid, one.uid}};
  const auto done = run(store_.mailboxes().mark(folders_[one.folder], uids, change));
  if (done && done->marks.size() == 1)
    note("is", message->first, one, done->marks.front().modseq);
  else
    messages_.erase(message);
}

void FolderWork::move(Messages::iterator message) {
  Message& one = message->second;
  const store::UidSet uids{{one.uid, one.uid}};
  const store::Id from = folders_[one.folder];
  one.folder = kFolders[one.folder == kFolders[0] ? 1 : 0];
  one.uid = 0;
  note("may", message->first, one);
  const auto done = run(store_.mailboxes().copy(from, uids, account_, one.folder, true));
  if (!done || done->to.size() != 1) {
    messages_.erase(message);
    return;
  }
  one.uid = done->to.front();
  note("is", message->first, one);
}

/// Neither of the two is touched again.
void FolderWork::copy(Messages::iterator message) {
  Message one = message->second;
  const std::string id = message->first;
  messages_.erase(message);
  const store::UidSet uids{{one.uid, one.uid}};
  const store::Id from = folders_[one.folder];
  one.folder = kFolders[chance_() % std::size(kFolders)];
  one.uid = 0;
  note("may-copy", id, one);
  const auto done = run(store_.mailboxes().copy(from, uids, account_, one.folder, false));
  if (!done || done->to.size() != 1) return;
  one.uid = done->to.front();
  note("copy", id, one);
}

/// As REPLACE does: another message first, then the old one goes, whatever its flags are. Between the two both are
/// there.
void FolderWork::replace(Messages::iterator message) {
  if (!append()) return;
  const Message one = message->second;
  const std::string id = message->first;
  messages_.erase(message);
  const Message nowhere{"-", 0, 0};
  note("may", id, nowhere);
  const auto gone = run(store_.mailboxes().expunge(folders_[one.folder], {one.uid}, "test"));
  if (gone && *gone == 1) note("is", id, nowhere);
}

/// As EXPUNGE does: what is marked, and nothing else.
void FolderWork::expunge(Messages::iterator message) {
  const Message one = message->second;
  const std::string id = message->first;
  messages_.erase(message);
  const store::Id folder = folders_[one.folder];
  const store::UidSet uids{{one.uid, one.uid}};
  store::FlagChange change;
  change.flags = store::kDeleted;
  Message marked = one;
  marked.flags |= store::kDeleted;
  note("may", id, marked);
  const auto done = run(store_.mailboxes().mark(folder, uids, change));
  if (!done || done->marks.size() != 1) return;
  note("is", id, marked, done->marks.front().modseq);
  const Message nowhere{"-", 0, 0};
  note("may", id, nowhere);
  const auto purged = run(store_.mailboxes().expunge_deleted(folder, uids, "test"));
  if (purged && purged->removed == 1) note("is", id, nowhere);
}

} // namespace paquebot::faults
