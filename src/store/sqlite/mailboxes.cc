#include "store/sqlite/mailboxes.h"

#include "base/text.h"
#include "store/sqlite/content.h"
#include "store/sqlite/core.h"
#include "store/sqlite/expiry.h"
#include "store/sqlite/flags.h"
#include "store/sqlite/folders.h"
#include "store/sqlite/mailbox_locks.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/view.h"

#include <algorithm>
#include <cassert>
#include <mutex>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kIndexRows = 50000;   // entries stepped over in one short read
constexpr std::chrono::hours kThorough{24}; // between two rounds of expiry that look at every entry

struct Removed {
  Ulid message;
  std::uint32_t recipient = 0;
  Id head = 0;
  Id body = 0;
  std::uint64_t size = 0;
  std::uint64_t flags = 0;
};

std::optional<Removed> find_entry(Db& db, Id mailbox, std::uint32_t uid) {
  Query q = db.query("SELECT message, recipient, head, body, size, flags FROM entry WHERE mailbox = ? AND uid = ?",
                     mailbox, uid);
  if (!q.row()) return {};
  return Removed{q.ulid(0), q.u32(1), q.i64(2), q.i64(3), q.u64(4), q.u64(5)};
}

/// not_found when there is none.
Result<MailboxInfo> open_mailbox(Db& db, Id account, const std::string& name) {
  Query q = db.query("SELECT id, uidvalidity, uidnext, count, bytes, highestmodseq, unseen, deleted FROM mailbox "
                     "WHERE account = ? AND name = ?",
                     account, mailbox_name(name));
  if (!q.row())
    return fail(Errc::not_found, "there is no mailbox " + printable(name) + " in account " + std::to_string(account));
  return MailboxInfo{q.i64(0), q.u32(1), q.u32(2), q.u64(3), q.u64(4), q.i64(5), q.u64(6), q.u64(7)};
}

std::vector<EntryInfo> list_entries(Db& db, Id mailbox, std::uint32_t after_uid, std::size_t most) {
  Query q = db.query("SELECT uid, uidl, flags, internal_date, size, modseq, arrived, message FROM entry WHERE mailbox "
                     "= ? AND uid > ? ORDER BY uid LIMIT ?",
                     mailbox, after_uid, most);
  std::vector<EntryInfo> out;
  while (q.row()) out.push_back(entry_info(q));
  return out;
}

Result<EntryContent> read_entry(Db& db, Id mailbox, std::uint32_t uid) {
  EntryContent content;
  Id head = 0;
  Id body = 0;
  {
    Query q = db.query("SELECT uid, uidl, flags, internal_date, size, modseq, arrived, message, prefix, head, body "
                       "FROM entry WHERE mailbox = ? AND uid = ?",
                       mailbox, uid);
    if (!q.row()) return fail(Errc::not_found, "there is no message " + std::to_string(uid) + " in this mailbox");
    content.info = entry_info(q);
    content.head = q.text(8);
    head = q.i64(9);
    body = q.i64(10);
  }
  auto bytes = load_head(db, head);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  content.head += *bytes;
  content.body = body_ref(db, body);
  return content;
}

Result<EntryContent> read_delivered(Db& db, Id account, Ulid message) {
  std::vector<std::pair<Id, std::uint32_t>> places;
  {
    Query q =
        db.query("SELECT r.mailbox, r.uid FROM recipient r JOIN mailbox m ON m.id = r.mailbox "
                 "JOIN entry e ON e.mailbox = r.mailbox AND e.uid = r.uid AND e.message = r.message "
                 "WHERE r.message = ? AND r.account = ? AND r.uid > 0 AND m.account = r.account ORDER BY r.n LIMIT 1",
                 message, account);
    if (q.row()) places.emplace_back(q.i64(0), q.u32(1));
  }
  if (places.empty()) return fail(Errc::not_found, "the message is not where it came into this account");
  return read_entry(db, places.front().first, places.front().second);
}

Result<std::vector<EntryContent>> read_entries(Db& db, Id mailbox, const std::vector<std::uint32_t>& uids,
                                               std::size_t most) {
  assert(!uids.empty());
  std::vector<EntryContent> entries;
  std::uint64_t octets = 0;
  for (const std::uint32_t uid : uids) {
    auto entry = read_entry(db, mailbox, uid);
    if (!entry && entries.empty()) return std::unexpected(std::move(entry.error()));
    if (!entry) break; // its error is told to who asks for it
    octets += entry->info.size;
    if (!entries.empty() && octets > most) break;
    if (entry->body.bulk == 0) {
      auto text = load_inline_body(db, entry->body.id, 0, kInlineBody);
      if (!text && entries.empty()) return std::unexpected(std::move(text.error()));
      if (!text) break;
      entry->text = std::move(*text);
    }
    entries.push_back(std::move(*entry));
  }
  assert(!entries.empty() && entries.size() <= uids.size());
  return entries;
}

void tell_mailbox(Core& core, Id mailbox) { core.tell({.kind = Change::Kind::mailbox, .id = mailbox}); }

class SqliteMailboxes final : public Mailboxes {
public:
  explicit SqliteMailboxes(Core& core) : core_(core) {}
  ~SqliteMailboxes() override { locks_->close(); }

  Task<Result<MailboxInfo>> open(Id account, std::string name) override {
    return core_.read([account, name = std::move(name)](Db& db) { return open_mailbox(db, account, name); });
  }
  Task<Result<std::unique_ptr<MailboxLock>>> lock(Id mailbox) override;
  Task<Result<std::vector<EntryInfo>>> list_entries(Id mailbox, std::uint32_t after_uid, std::size_t most) override {
    return core_.read(
        [mailbox, after_uid, most](Db& db) { return sqlite::list_entries(db, mailbox, after_uid, most); });
  }
  Task<Result<std::vector<EntryInfo>>> list_view(MailboxView view, std::uint32_t after_uid, std::size_t most) override {
    return core_.read([view, after_uid, most](Db& db) { return sqlite::list_view(db, view, after_uid, most); });
  }
  Task<Result<std::vector<std::uint32_t>>> index_view(MailboxView view, std::uint32_t stride) override;
  Task<Result<EntryContent>> read_entry(Id mailbox, std::uint32_t uid) override {
    return core_.read([mailbox, uid](Db& db) { return sqlite::read_entry(db, mailbox, uid); });
  }
  Task<Result<EntryContent>> read_delivered(Id account, Ulid message) override {
    return core_.read([account, message](Db& db) { return sqlite::read_delivered(db, account, message); });
  }
  Task<Result<bool>> was_imported(Id account, std::string digest) override {
    return core_.read(
        [account, digest = std::move(digest)](Db& db) { return sqlite::was_imported(db, account, digest); });
  }
  Task<Result<std::vector<EntryContent>>> read_entries(Id mailbox, std::vector<std::uint32_t> uids,
                                                       std::size_t most) override {
    return core_.read(
        [mailbox, uids = std::move(uids), most](Db& db) { return sqlite::read_entries(db, mailbox, uids, most); });
  }
  Task<Result<std::size_t>> expunge(Id mailbox, std::vector<std::uint32_t> uids, std::string who) override {
    auto job = core_.write([mailbox, uids = std::move(uids), who = std::move(who)](Tx& tx) {
      return sqlite::expunge(tx, mailbox, uids, who);
    });
    const Result<std::size_t> done = co_await std::move(job);
    if (done && *done > 0) tell_mailbox(core_, mailbox);
    co_return done;
  }
  Task<Result<FolderList>> list_folders(Id account) override {
    return core_.read([account](Db& db) { return sqlite::list_folders(db, account); });
  }
  Task<Result<>> create_folder(Id account, std::string name, std::uint8_t special_use) override {
    return core_.write([account, name = std::move(name), special_use](Tx& tx) {
      return sqlite::create_folder(tx, account, name, special_use);
    });
  }
  Task<Result<>> remove_folder(Id account, std::string name) override;
  Task<Result<>> rename_folder(Id account, std::string from, std::string to) override {
    return core_.write([account, from = std::move(from), to = std::move(to)](Tx& tx) {
      return sqlite::rename_folder(tx, account, from, to);
    });
  }
  Task<Result<>> subscribe_folder(Id account, std::string name, bool subscribed) override {
    return core_.write([account, name = std::move(name), subscribed](Tx& tx) {
      return sqlite::subscribe_folder(tx, account, name, subscribed);
    });
  }
  Task<Result<>> adopt_uids(MailboxView view, std::uint32_t uidvalidity, std::uint32_t uidnext) override {
    return core_.write([=](Tx& tx) { return sqlite::adopt_uids(tx, view, uidvalidity, uidnext); });
  }
  Task<Result<std::vector<Keyword>>> list_keywords(Id mailbox) override {
    return core_.read([mailbox](Db& db) { return sqlite::list_keywords(db, mailbox); });
  }
  Task<Result<UidSet>> list_uids(MailboxView view) override;
  Task<Result<std::vector<EntryInfo>>> list_set(Id mailbox, UidSet uids, std::size_t most) override {
    return core_.read(
        [mailbox, uids = std::move(uids), most](Db& db) { return sqlite::list_set(db, mailbox, uids, most); });
  }
  Task<Result<MailboxChanges>> changes_since(MailboxView view) override {
    return core_.read([view](Db& db) { return sqlite::changes_since(db, view); });
  }
  Task<Result<EntriesSince>> entries_since(MailboxView view) override {
    return core_.read([view](Db& db) { return sqlite::entries_since(db, view); });
  }
  Task<Result<FlagSums>> sum_flags(Id mailbox) override {
    return core_.read([mailbox](Db& db) { return sqlite::sum_flags(db, mailbox); });
  }
  Task<Result<Marked>> mark(Id mailbox, UidSet uids, FlagChange change) override;
  Task<Result<Purged>> expunge_deleted(Id mailbox, UidSet uids, std::string who) override;
  Task<Result<Copied>> copy(Id mailbox, UidSet uids, Id account, std::string to, bool move) override;
  Task<Result<Expired>> expire_entries(std::int64_t before, std::string who) override;

private:
  ExpiryRound expiry_round();
  Task<Result<std::size_t>> expire_in(Id mailbox, ExpiryRound& round, std::int64_t before, std::string who);

  Core& core_;
  const std::shared_ptr<LockedMailboxes> locks_ = std::make_shared<LockedMailboxes>(core_);
  std::mutex mutex_;
  ExpiryRound expiry_; ///< of expire_entries
};

Task<Result<std::unique_ptr<MailboxLock>>> SqliteMailboxes::lock(Id mailbox) {
  if (!locks_->add(mailbox)) co_return fail(Errc::conflict, "another session has this mailbox open");
  if (const auto job = locks_->claim(mailbox)) {
    const Result<bool> ours = co_await job->take();
    if (!ours || !*ours) locks_->remove(mailbox);
    if (!ours) co_return std::unexpected(ours.error());
    if (!*ours) co_return fail(Errc::conflict, "a session at another node has this mailbox open");
  }
  co_return std::make_unique<SqliteLock>(locks_, mailbox);
}

Task<Result<std::vector<std::uint32_t>>> SqliteMailboxes::index_view(MailboxView view, std::uint32_t stride) {
  using List = std::vector<std::uint32_t>;
  if (stride == 0) co_return fail(Errc::invalid, "the stride of an index is at least 1");
  const std::size_t most = std::max<std::size_t>(kIndexRows / stride, 2);
  List out;
  for (bool more = true; more;) {
    // Each slice begins with the last one found, so that the count goes on from it.
    const std::uint32_t after = out.empty() ? 0 : out.back() - 1;
    auto job = core_.read([=](Db& db) { return sqlite::index_view(db, view, after, stride, most); });
    Result<List> slice = co_await std::move(job);
    if (!slice) co_return std::unexpected(slice.error());
    more = slice->size() == most;
    if (!out.empty()) out.pop_back();
    std::ranges::copy(*slice, std::back_inserter(out));
  }
  co_return out;
}

Task<Result<>> SqliteMailboxes::remove_folder(Id account, std::string name) {
  auto job =
      core_.write([account, name = std::move(name)](Tx& tx) { return sqlite::remove_folder(tx, account, name); });
  const Result<Id> gone = co_await std::move(job);
  if (!gone) co_return std::unexpected(gone.error());
  tell_mailbox(core_, *gone);
  co_return Result<>();
}

Task<Result<UidSet>> SqliteMailboxes::list_uids(MailboxView view) {
  UidSet out;
  for (bool more = true; more;) {
    const std::uint32_t after = out.empty() ? 0 : out.back().last;
    auto job = core_.read([view, after](Db& db) { return uid_runs(db, view, after, kIndexRows); });
    const Result<UidSlice> slice = co_await std::move(job);
    if (!slice) co_return std::unexpected(slice.error());
    more = slice->more;
    std::ranges::copy(slice->runs, std::back_inserter(out));
  }
  co_return out;
}

Task<Result<Marked>> SqliteMailboxes::mark(Id mailbox, UidSet uids, FlagChange change) {
  auto job = core_.write([mailbox, uids = std::move(uids), change = std::move(change)](Tx& tx) {
    return sqlite::mark(tx, mailbox, uids, change);
  });
  Result<Marked> done = co_await std::move(job);
  if (done && std::ranges::any_of(done->marks, &Mark::changed)) tell_mailbox(core_, mailbox);
  co_return done;
}

Task<Result<Purged>> SqliteMailboxes::expunge_deleted(Id mailbox, UidSet uids, std::string who) {
  auto job = core_.write([mailbox, uids = std::move(uids), who = std::move(who)](Tx& tx) {
    return sqlite::expunge_deleted(tx, mailbox, uids, who);
  });
  const Result<Purged> done = co_await std::move(job);
  if (done && done->removed > 0) tell_mailbox(core_, mailbox);
  co_return done;
}

Task<Result<Copied>> SqliteMailboxes::copy(Id mailbox, UidSet uids, Id account, std::string to, bool move) {
  auto job = core_.write([mailbox, uids = std::move(uids), account, to = std::move(to), move](Tx& tx) {
    return copy_entries(tx, mailbox, uids, account, to, move);
  });
  Result<Copied> done = co_await std::move(job);
  if (done && !done->to.empty()) {
    tell_mailbox(core_, done->mailbox);
    if (move) tell_mailbox(core_, mailbox);
  }
  co_return done;
}

/// Where the round goes on, or a new one begins.
ExpiryRound SqliteMailboxes::expiry_round() {
  const std::lock_guard lock(mutex_);
  if (expiry_.begun) return expiry_;
  const Instant now = core_.clock.now();
  expiry_.begun = true;
  expiry_.thorough = !expiry_.last_thorough || now - *expiry_.last_thorough >= kThorough;
  if (expiry_.thorough) expiry_.last_thorough = now;
  return expiry_;
}

/// Deletes in one mailbox, locked as by a session: message numbers of nobody may move. One that is locked waits for the
/// next round.
Task<Result<std::size_t>> SqliteMailboxes::expire_in(Id mailbox, ExpiryRound& round, std::int64_t before,
                                                     std::string who) {
  const auto locked = co_await lock(mailbox);
  if (!locked) {
    round = next_mailbox(round);
    co_return std::size_t{0};
  }
  const std::uint32_t uid = round.uid;
  auto job = core_.write(
      [mailbox, uid, before, who = std::move(who)](Tx& tx) { return expire_slice(tx, mailbox, uid, before, who); });
  const Result<ExpirySlice> slice = co_await std::move(job);
  const Result<> unlocked = co_await (*locked)->unlock();
  if (!slice || !unlocked) {
    round = next_mailbox(round); // tried again when its turn comes, and holds up nobody behind it
    co_return std::unexpected(slice ? unlocked.error() : slice.error());
  }
  if (slice->removed > 0) tell_mailbox(core_, mailbox);
  round.uid = slice->last;
  co_return slice->removed;
}

Task<Result<Mailboxes::Expired>> SqliteMailboxes::expire_entries(std::int64_t before, std::string who) {
  const ExpiryRound from = expiry_round();
  const std::int64_t now = core_.wall();
  auto read = core_.read([from, before, now](Db& db) { return find_expired(db, from, before, now); });
  const Result<ExpiryPage> page = co_await std::move(read);
  if (!page) co_return std::unexpected(page.error());
  ExpiryRound round = page->round;
  Expired expired{0, page->more};
  std::optional<Error> trouble = page->trouble;
  if (const Id mailbox = page->mailbox; mailbox != 0) {
    const Result<std::size_t> removed = co_await expire_in(mailbox, round, before, std::move(who));
    if (removed)
      expired.removed = *removed;
    else
      trouble = removed.error();
  }
  if (!page->more) round = ExpiryRound{.last_thorough = round.last_thorough};
  const std::lock_guard lock(mutex_);
  expiry_ = round;
  if (trouble) co_return std::unexpected(*trouble);
  co_return expired;
}

} // namespace

bool was_imported(Db& db, Id account, const std::string& digest) {
  return db.number("SELECT 1 FROM mailbox m JOIN imported i ON i.mailbox = m.id AND i.digest = ? "
                   "WHERE m.account = ? LIMIT 1",
                   0, Blob{digest}, account) != 0;
}

std::string mailbox_name(const std::string& name) { return iequals(name, "INBOX") ? "INBOX" : name; }

std::size_t expunge(Tx& tx, Id mailbox, const std::vector<std::uint32_t>& uids, const std::string& who) {
  assert(std::ranges::is_sorted(uids) && "runs of uids are kept of what is deleted");
  std::vector<std::uint32_t> gone;
  std::uint64_t bytes = 0;
  std::uint64_t unseen = 0;
  std::uint64_t deleted = 0;
  for (const std::uint32_t uid : uids) {
    const auto entry = find_entry(tx.db, mailbox, uid);
    if (!entry) continue;
    tx.db.run("DELETE FROM entry WHERE mailbox = ? AND uid = ?", mailbox, uid);
    release_content(tx.db, entry->head, entry->body);
    add_events(tx.db, entry->message, {{tx.now, EventKind::removed, {entry->recipient}, who, 1}});
    bytes += entry->size;
    unseen += (entry->flags & kSeen) == 0 ? 1 : 0;
    deleted += (entry->flags & kDeleted) != 0 ? 1 : 0;
    gone.push_back(uid);
  }
  if (gone.empty()) return 0;
  const std::int64_t modseq = tx.db.number("UPDATE mailbox SET count = count - ?, bytes = bytes - ?, "
                                           "unseen = unseen - ?, deleted = deleted - ?, "
                                           "highestmodseq = highestmodseq + 1 WHERE id = ? RETURNING highestmodseq",
                                           0, gone.size(), bytes, unseen, deleted, mailbox);
  note_expunged(tx, mailbox, modseq, gone);
  return gone.size();
}

void make_mailbox(Tx& tx, Id account, const std::string& name) {
  // RFC 3501 section 2.3.1.1: a mailbox made anew under an old name must have a greater uidvalidity.
  const std::int64_t last = tx.db.number("SELECT value FROM setting WHERE key = 'mailbox.uidvalidity'", 0);
  const std::int64_t fresh = std::max(last + 1, tx.now / 1000);
  tx.db.run("INSERT INTO setting(key, value) VALUES('mailbox.uidvalidity', ?) ON CONFLICT(key) DO UPDATE SET "
            "value = excluded.value",
            std::to_string(fresh));
  tx.db.run("INSERT INTO mailbox(account, name, uidvalidity) VALUES(?, ?, ?)", account, name, fresh);
}

std::unique_ptr<Mailboxes> make_mailboxes(Core& core) { return std::make_unique<SqliteMailboxes>(core); }

} // namespace paquebot::store::sqlite
