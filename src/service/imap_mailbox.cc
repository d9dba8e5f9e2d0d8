#include "service/imap_mailbox.h"

#include <algorithm>
#include <utility>

namespace paquebot::service {
namespace {

constexpr std::size_t kContentOctets = 256u << 10; // of contents that are read at once

store::UidSet to_store(const imap::UidSet& uids) {
  store::UidSet out;
  out.reserve(uids.size());
  for (const imap::UidRun& run : uids) out.push_back({run.first, run.last});
  return out;
}

imap::UidSet from_store(const store::UidSet& uids) {
  std::vector<imap::UidRun> out;
  out.reserve(uids.size());
  for (const store::UidRun& run : uids) out.push_back({run.first, run.last});
  return imap::normalize(std::move(out));
}

std::vector<imap::Keyword> from_store(const std::vector<store::Keyword>& keywords) {
  std::vector<imap::Keyword> out;
  for (const store::Keyword& one : keywords) out.push_back({one.bit, one.name});
  return out;
}

/// On the wire modseqs are one higher than in the store, where the first change of a mailbox is 1 and none is 0: a
/// client that saw an empty mailbox has to have a number below it that is none of 0 (RFC 7162 section 7).
constexpr std::int64_t kFirstModseq = 1;

imap::MailboxFacts facts_of(const store::MailboxInfo& info, std::string name) {
  imap::MailboxFacts facts;
  facts.id = info.id;
  facts.name = std::move(name);
  facts.uidvalidity = info.uidvalidity;
  facts.uidnext = info.uidnext;
  facts.modseq = info.modseq + kFirstModseq;
  facts.messages = info.count;
  facts.unseen = info.unseen;
  facts.deleted = info.deleted;
  facts.octets = info.bytes;
  return facts;
}

imap::Row row_of(const store::EntryInfo& entry) {
  return {.uid = entry.uid,
          .flags = entry.flags,
          .modseq = entry.modseq + kFirstModseq,
          .internal_date = entry.internal_date,
          .size = entry.size,
          .saved = entry.arrived != 0 ? entry.arrived : entry.internal_date,
          .email = entry.message.bytes};
}

imap::Row row_of(const store::Mark& mark) {
  return {.uid = mark.uid, .flags = mark.flags, .modseq = mark.modseq + kFirstModseq, .untouched = !mark.changed};
}

/// 0 too when it can't be told.
Task<std::uint64_t> deleted_octets(store::Mailboxes& boxes, store::Id mailbox, std::uint64_t deleted) {
  if (deleted == 0) co_return 0;
  const auto sums = co_await boxes.sum_flags(mailbox);
  co_return sums ? sums->deleted_octets : 0;
}

/// All of a mailbox without gaps is known without a look at it.
Task<Result<store::UidSet>> uids_of(store::Mailboxes& boxes, store::MailboxInfo info) {
  if (info.count == 0) co_return store::UidSet();
  if (info.count == info.uidnext - std::uint64_t{1}) {
    store::UidSet all;
    all.push_back({1, info.uidnext - 1});
    co_return all;
  }
  const store::MailboxView view = info.view();
  auto uids = co_await boxes.list_uids(view);
  co_return uids;
}

} // namespace

void ImapMailbox::log_in(store::Account account, std::string who, boost::asio::any_io_executor executor,
                         std::weak_ptr<MailboxWatcher> watcher) {
  account_ = std::move(account);
  who_ = std::move(who);
  executor_ = std::move(executor);
  watcher_ = std::move(watcher);
}

void ImapMailbox::close() {
  if (watching_ != 0) news_.leave(view_.mailbox, watching_);
  watching_ = 0;
  view_ = {};
  bodies_.clear();
}

imap::Fault ImapMailbox::fault_of(const Error& error) {
  switch (error.code) {
    case Errc::not_found: return imap::Fault::not_found;
    case Errc::conflict: return imap::Fault::exists;
    case Errc::refused: return imap::Fault::too_many;
    default: trouble_ = error.message; return imap::Fault::unavailable;
  }
}

// ---- Folders ----

Task<imap::Answer> ImapMailbox::answer(imap::AskFolders ask) {
  const store::Id account = account_.id;
  auto list = co_await store_.mailboxes().list_folders(account);
  imap::Folders folders;
  if (!list) {
    folders.fault = fault_of(list.error());
    co_return folders;
  }
  for (store::Folder& one : list->folders) {
    folders.mailboxes.push_back(facts_of(one, std::move(one.name)));
    imap::MailboxFacts& facts = folders.mailboxes.back();
    facts.special_use = one.special_use;
    if (ask.deleted_octets) {
      const store::Id id = facts.id;
      const std::uint64_t deleted = facts.deleted;
      store::Mailboxes& boxes = store_.mailboxes();
      facts.deleted_octets = co_await deleted_octets(boxes, id, deleted);
    }
  }
  folders.subscribed = std::move(list->subscribed);
  co_return folders;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskFolder ask) {
  using What = imap::AskFolder::What;
  const store::Id account = account_.id;
  store::Mailboxes& boxes = store_.mailboxes();
  const std::uint8_t use = ask.special_use;
  Result<> done;
  switch (ask.what) {
    case What::create: done = co_await boxes.create_folder(account, std::move(ask.name), use); break;
    case What::remove: done = co_await boxes.remove_folder(account, std::move(ask.name)); break;
    case What::rename: done = co_await boxes.rename_folder(account, std::move(ask.name), std::move(ask.other)); break;
    case What::subscribe: done = co_await boxes.subscribe_folder(account, std::move(ask.name), true); break;
    case What::unsubscribe: done = co_await boxes.subscribe_folder(account, std::move(ask.name), false); break;
  }
  imap::Done answer;
  if (!done) answer.fault = fault_of(done.error());
  if (ask.what == What::remove && answer.fault == imap::Fault::too_many) answer.fault = imap::Fault::refused;
  co_return answer;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskStatus ask) {
  const store::Id account = account_.id;
  std::string name = ask.name;
  const auto info = co_await store_.mailboxes().open(account, std::move(name));
  imap::Opened opened;
  if (!info) {
    opened.fault = fault_of(info.error());
    co_return opened;
  }
  opened.facts = facts_of(*info, std::move(ask.name));
  if (ask.deleted_octets) {
    const store::Id id = info->id;
    const std::uint64_t deleted = info->deleted;
    store::Mailboxes& boxes = store_.mailboxes();
    opened.facts.deleted_octets = co_await deleted_octets(boxes, id, deleted);
  }
  co_return opened;
}

// ---- The selected mailbox ----

Task<imap::Answer> ImapMailbox::answer(imap::AskOpen ask) {
  close();
  const store::Id account = account_.id;
  store::Mailboxes& boxes = store_.mailboxes();
  imap::Opened opened;
  std::string name = ask.name;
  auto info = co_await boxes.open(account, std::move(name));
  if (info) { // watched first, so that nothing is missed between
    view_.mailbox = info->id;
    watching_ = news_.watch(info->id, executor_, watcher_);
    name = ask.name;
    info = co_await boxes.open(account, std::move(name));
  }
  if (!info) {
    close();
    opened.fault = fault_of(info.error());
    co_return opened;
  }
  const store::MailboxInfo found = *info;
  auto uids = co_await uids_of(boxes, found);
  const store::Id id = found.id;
  auto keywords = co_await boxes.list_keywords(id);
  if (!uids || !keywords || id != view_.mailbox) {
    close();
    opened.fault = imap::Fault::unavailable;
    trouble_ = !uids ? uids.error().message : !keywords ? keywords.error().message : "the mailbox is another one now";
    co_return opened;
  }
  view_ = found.view();
  opened.facts = facts_of(found, std::move(ask.name));
  opened.uids = from_store(*uids);
  opened.keywords = from_store(*keywords);
  if (ask.first_unseen && found.unseen > 0) {
    const auto sums = co_await boxes.sum_flags(id);
    if (sums) opened.first_unseen = sums->first_unseen;
  }
  co_return opened;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskClose) {
  close();
  co_return imap::Done{};
}

Task<imap::Answer> ImapMailbox::answer(imap::AskNews) {
  imap::News news;
  std::vector<imap::UidRun> gone;
  for (bool more = true; more;) {
    const store::MailboxView view = view_;
    auto changes = co_await store_.mailboxes().changes_since(view);
    if (!changes) {
      news.fault = fault_of(changes.error());
      // What was deleted so long ago is not known any more: as if the mailbox were another one.
      if (news.fault == imap::Fault::exists) news.fault = imap::Fault::not_found;
      co_return news;
    }
    view_ = changes->until;
    for (const store::UidRun& run : changes->gone) gone.push_back({run.first, run.last});
    for (const store::Mark& mark : changes->changed) news.changed.push_back(row_of(mark));
    news.added = from_store(changes->added);
    news.keywords = from_store(changes->keywords);
    more = changes->more;
  }
  news.gone = imap::normalize(std::move(gone));
  news.modseq = view_.modseq + kFirstModseq;
  co_return news;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskSince ask) {
  store::MailboxView view = view_;
  view.modseq = ask.modseq - kFirstModseq;
  auto found = co_await store_.mailboxes().entries_since(view);
  imap::Since since;
  if (!found) {
    since.fault = fault_of(found.error());
    co_return since;
  }
  since.changed = from_store(found->changed);
  since.gone = from_store(found->gone);
  since.all_gone = found->all_gone;
  co_return since;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskQuota) {
  const store::Id account = account_.id;
  const auto owner = co_await store_.directory().get_account(account);
  imap::Quota quota;
  if (!owner) {
    quota.fault = fault_of(owner.error());
    co_return quota;
  }
  quota.used = owner->used;
  quota.bound = owner->quota;
  co_return quota;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskRuledOut ask) {
  imap::RuledOut answer;
  if (index_ == nullptr) co_return answer;
  const store::Id mailbox = view_.mailbox;
  const auto uids = co_await index_->rule_out(mailbox, std::move(ask.plan));
  answer.uids = from_store(uids);
  co_return answer;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskRows ask) {
  const store::Id mailbox = view_.mailbox;
  store::UidSet uids = to_store(ask.uids);
  auto entries = co_await store_.mailboxes().list_set(mailbox, std::move(uids), imap::kRowsAtOnce);
  imap::Rows rows;
  if (!entries) rows.fault = fault_of(entries.error());
  if (entries)
    for (const store::EntryInfo& entry : *entries) rows.rows.push_back(row_of(entry));
  co_return rows;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskContents ask) {
  const store::Id mailbox = view_.mailbox;
  bodies_.clear();
  auto entries = co_await store_.mailboxes().read_entries(mailbox, std::move(ask.uids), kContentOctets);
  imap::Contents contents;
  if (!entries) {
    contents.fault = fault_of(entries.error());
    co_return contents;
  }
  for (store::EntryContent& entry : *entries) {
    imap::Content one{row_of(entry.info), std::move(entry.head), entry.body.size, std::move(entry.text)};
    if (!one.text) bodies_.emplace(one.row.uid, entry.body);
    contents.contents.push_back(std::move(one));
  }
  co_return contents;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskBody ask) {
  imap::Piece piece;
  const auto known = bodies_.find(ask.uid);
  if (known == bodies_.end()) {
    piece.fault = imap::Fault::not_found;
    co_return piece;
  }
  const store::BodyRef body = known->second;
  const std::uint64_t offset = ask.offset;
  const std::size_t most = ask.most;
  auto bytes = co_await store_.content().read_body(body, offset, most);
  if (bytes)
    piece.bytes = std::move(*bytes);
  else
    piece.fault = fault_of(bytes.error());
  co_return piece;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskStore ask) {
  using How = imap::AskStore::How;
  store::FlagChange change;
  change.how = ask.how == How::add      ? store::FlagChange::How::add
               : ask.how == How::remove ? store::FlagChange::How::remove
                                        : store::FlagChange::How::replace;
  change.flags = ask.flags;
  change.keywords = std::move(ask.keywords);
  if (ask.unchanged_since) change.unchanged_since = *ask.unchanged_since - kFirstModseq;
  const store::Id mailbox = view_.mailbox;
  store::UidSet uids = to_store(ask.uids);
  auto marked = co_await store_.mailboxes().mark(mailbox, std::move(uids), std::move(change));
  imap::Stored stored;
  if (!marked) {
    stored.fault = fault_of(marked.error());
    co_return stored;
  }
  for (const store::Mark& mark : marked->marks) stored.rows.push_back(row_of(mark));
  stored.refused = from_store(marked->refused);
  stored.keywords = from_store(marked->keywords);
  co_return stored;
}

Task<imap::Answer> ImapMailbox::answer(imap::AskExpunge ask) {
  const store::Id mailbox = view_.mailbox;
  imap::UidSet left = std::move(ask.uids);
  imap::Done done;
  while (!left.empty()) {
    store::UidSet uids = to_store(left);
    std::string who = who_;
    const auto purged = co_await store_.mailboxes().expunge_deleted(mailbox, std::move(uids), std::move(who));
    if (!purged) done.fault = fault_of(purged.error());
    if (!purged || !purged->more) break;
    left = imap::without(left, {{1, purged->done}});
  }
  co_return done;
}

Task<imap::Fault> ImapMailbox::copy_some(imap::AskCopy ask, imap::Copied& copied, store::Id& target) {
  const store::Id mailbox = view_.mailbox;
  const store::Id account = account_.id;
  const bool move = ask.move;
  store::UidSet uids = to_store(ask.uids);
  auto done = co_await store_.mailboxes().copy(mailbox, std::move(uids), account, std::move(ask.to), move);
  if (!done) {
    const imap::Fault fault = fault_of(done.error());
    co_return fault == imap::Fault::too_many ? imap::Fault::over_quota : fault;
  }
  target = done->mailbox;
  copied.uidvalidity = done->uidvalidity;
  copied.from.insert(copied.from.end(), done->from.begin(), done->from.end());
  copied.to.insert(copied.to.end(), done->to.begin(), done->to.end());
  co_return imap::Fault::none;
}

/// In slices, so that others get their turn. A copy that fails on the way is taken back (RFC 9051 section 6.4.7).
Task<imap::Answer> ImapMailbox::answer(imap::AskCopy ask) {
  imap::Copied copied;
  store::Id target = 0;
  imap::UidSet left = std::move(ask.uids);
  while (!left.empty()) {
    imap::AskCopy slice{imap::take_front(left, store::kMostMoved), ask.to, ask.move};
    copied.fault = co_await copy_some(std::move(slice), copied, target);
    if (copied.fault != imap::Fault::none) break;
  }
  if (copied.fault != imap::Fault::none && !ask.move && !copied.to.empty()) {
    std::vector<std::uint32_t> back = copied.to;
    std::string who = who_;
    const auto taken = co_await store_.mailboxes().expunge(target, std::move(back), std::move(who));
    if (!taken) trouble_ = taken.error().message;
  }
  co_return copied;
}

} // namespace paquebot::service
