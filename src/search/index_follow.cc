// How the index follows one mailbox.

#include "search/index.h"
#include "search/print.h"

#include <algorithm>
#include <utility>

namespace paquebot::search {
namespace {

constexpr std::size_t kReadAtOnce = 64;           // messages
constexpr std::size_t kOctetsAtOnce = 256u << 10; // of them

} // namespace

Task<Result<>> Index::follow(store::Id mailbox) {
  std::optional<Cursor> from;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(mailbox); known != known_.end()) from = known->second;
  }
  Result<> done;
  if (from) {
    const Cursor cursor = *from;
    done = co_await follow_changes(mailbox, cursor);
  }
  // It is new, or was empty at the start; or what was deleted is not known so far back.
  if (!from || (!done && done.error().code == Errc::conflict)) {
    const store::Id account = from ? from->account : 0;
    done = co_await begin_with(mailbox, account);
  }
  if (done || done.error().code != Errc::not_found) co_return done;
  forget(mailbox); // it is gone
  drop(mailbox, kAllUids);
  co_return Result<>();
}

Task<Result<>> Index::begin_with(store::Id mailbox, store::Id account) {
  store::MailboxView future{mailbox, UINT32_MAX, INT64_MAX}; // behind all that has happened: tells where it stands
  const auto changes = co_await store_.mailboxes().changes_since(future);
  if (!changes) co_return std::unexpected(changes.error());
  Box box{.view = changes->until, .count = 1, .account = account, .counted = false};
  auto done = co_await compare(box);
  co_return done;
}

Task<Result<>> Index::follow_changes(store::Id mailbox, Cursor from) {
  bool more = true;
  while (more && may_go_on()) {
    store::MailboxView view{mailbox, from.uidnext, from.modseq};
    auto changes = co_await store_.mailboxes().changes_since(view);
    if (!changes) co_return std::unexpected(changes.error());
    for (const store::UidRun& run : changes->gone) drop(mailbox, run);
    std::uint32_t at = from.uidnext - 1;
    for (bool page = !changes->added.empty(); page && may_go_on();) {
      auto entries = co_await store_.mailboxes().list_entries(mailbox, at, kEntriesAtOnce);
      if (!entries) co_return std::unexpected(entries.error());
      std::vector<std::uint32_t> uids;
      for (const store::EntryInfo& entry : *entries) uids.push_back(entry.uid);
      page = uids.size() == kEntriesAtOnce;
      if (page) at = uids.back();
      behind_ += uids.size();
      auto added = co_await add(mailbox, std::move(uids));
      if (!added) co_return added;
    }
    if (!may_go_on()) co_return Result<>();
    more = changes->more;
    from.uidnext = changes->until.uidnext;
    from.modseq = changes->until.modseq;
  }
  if (may_go_on()) keep(mailbox, from);
  co_return Result<>();
}

/// What can't be read has no row, and is told of by a search that reads it.
Task<Result<>> Index::add(store::Id mailbox, std::vector<std::uint32_t> uids) {
  store::ContentStore& texts = store_.content();
  std::size_t at = 0;
  while (at < uids.size() && may_go_on()) {
    const std::size_t most = std::min(kReadAtOnce, uids.size() - at);
    std::vector<std::uint32_t> some(uids.begin() + static_cast<std::ptrdiff_t>(at),
                                    uids.begin() + static_cast<std::ptrdiff_t>(at + most));
    auto contents = co_await store_.mailboxes().read_entries(mailbox, std::move(some), kOctetsAtOnce);
    const std::size_t took = contents ? std::max<std::size_t>(contents->size(), 1) : 1;
    if (!contents && (contents.error().code == Errc::closed || contents.error().code == Errc::epoch_ended))
      co_return std::unexpected(contents.error());
    std::vector<std::pair<store::EntryInfo, imap::Fingerprint>> prints;
    if (contents)
      for (store::EntryContent& content : *contents) {
        store::EntryInfo info = content.info;
        auto print = co_await print_of(texts, std::move(content));
        if (print) prints.emplace_back(std::move(info), std::move(*print));
      }
    file_->begin();
    for (const auto& [info, print] : prints) messages_ += file_->put({mailbox, info.uid}, info.message, print) ? 1 : 0;
    file_->commit();
    did(took);
    at += took;
  }
  co_return Result<>();
}

} // namespace paquebot::search
