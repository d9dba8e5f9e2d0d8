#include "store/sqlite/flags.h"

#include "base/text.h"
#include "store/entry_flags.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/view.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kChanged = 5000; // entries told of at once
constexpr std::size_t kPurged = 500;   // deleted in one transaction
constexpr std::uint64_t kKeywordFlags =
    ((std::uint64_t{1} << (kLastKeyword + 1)) - 1) & ~((std::uint64_t{1} << kFirstKeyword) - 1);

std::size_t count_of(const UidSet& uids) {
  std::size_t count = 0;
  for (const UidRun& run : uids) count += run.last - run.first + 1;
  return count;
}

void add_run(UidSet& set, std::uint32_t uid) {
  if (!set.empty() && set.back().last + 1 == uid)
    set.back().last = uid;
  else
    set.push_back({uid, uid});
}

/// The keywords that a change names, as flags. A change that only takes away makes none.
Result<std::uint64_t> keyword_flags(Tx& tx, Id mailbox, const FlagChange& change) {
  std::uint64_t flags = 0;
  for (const std::string& name : change.keywords) {
    if (change.how == FlagChange::How::remove) {
      const std::int64_t bit =
          tx.db.number("SELECT bit FROM keyword WHERE mailbox = ? AND lower(name) = lower(?)", -1, mailbox, name);
      if (bit >= 0) flags |= std::uint64_t{1} << bit;
      continue;
    }
    const auto bit = keyword_bit(tx, mailbox, name);
    if (!bit) return fail(Errc::refused, "the mailbox has as many keywords as it can");
    flags |= *bit;
  }
  return flags;
}

std::uint64_t changed_flags(std::uint64_t before, std::uint64_t named, FlagChange::How how) {
  switch (how) {
    case FlagChange::How::add: return before | named;
    case FlagChange::How::remove: return before & ~named;
    case FlagChange::How::replace: break;
  }
  return (before & ~(kSystemFlags | kKeywordFlags)) | named;
}

struct EntryRow {
  std::uint32_t uid;
  Ulid message;
  std::uint32_t recipient;
  std::uint64_t flags;
  std::int64_t date;
  Id head, body;
  std::uint64_t size;
  std::string prefix;
};

std::vector<EntryRow> read_sources(Db& db, Id mailbox, const UidSet& uids) {
  std::vector<EntryRow> out;
  for (const UidRun& run : uids) {
    Query q =
        db.query("SELECT uid, message, recipient, flags, internal_date, head, body, size, prefix FROM entry WHERE "
                 "mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid",
                 mailbox, run.first, run.last);
    while (q.row())
      out.push_back({q.u32(0), q.ulid(1), q.u32(2), q.u64(3), q.i64(4), q.i64(5), q.i64(6), q.u64(7), q.text(8)});
  }
  return out;
}

/// Entries of one mailbox on their way into another.
class Copying {
public:
  Copying(Tx& tx, Id from, bool move) : tx_(tx), from_(from), move_(move) {}

  Result<Copied> run(const UidSet& uids, Id account, const std::string& to) {
    if (auto found = find_target(account, to); !found) return std::unexpected(found.error());
    const std::vector<EntryRow> sources = read_sources(tx_.db, from_, uids);
    if (!move_ && quota_ != 0) {
      std::uint64_t bytes = 0;
      for (const EntryRow& one : sources) bytes += one.size;
      const auto used = tx_.db.number("SELECT sum(bytes) FROM mailbox WHERE account = ?", 0, account);
      if (static_cast<std::uint64_t>(used) + bytes > quota_) return fail(Errc::refused, "the quota is used up");
    }
    learn_keywords();
    for (const EntryRow& one : sources) copy(one);
    if (move_ && !sources.empty()) forget_sources(sources);
    return std::move(copied_);
  }

private:
  Result<> find_target(Id account, const std::string& to) {
    Query q = tx_.db.query("SELECT m.id, m.uidvalidity, a.quota FROM mailbox m JOIN account a ON a.id = m.account "
                           "WHERE m.account = ? AND m.name = ?",
                           account, mailbox_name(to));
    if (!q.row()) return fail(Errc::not_found, "there is no mailbox " + printable(to));
    copied_.mailbox = q.i64(0);
    copied_.uidvalidity = q.u32(1);
    quota_ = q.u64(2);
    return {};
  }

  /// By which flag the target knows what the source has. Those for which it has no room are lost.
  void learn_keywords() {
    if (copied_.mailbox == from_) return;
    for (const Keyword& one : list_keywords(tx_.db, from_)) names_.push_back(one);
  }
  std::uint64_t flags_there(std::uint64_t flags) {
    if (copied_.mailbox == from_) return flags & ~kTouched;
    std::uint64_t out = flags & ~(kKeywordFlags | kTouched);
    for (const Keyword& one : names_)
      if ((flags >> one.bit & 1) != 0) out |= keyword_bit(tx_, copied_.mailbox, one.name).value_or(0);
    return out;
  }

  void copy(const EntryRow& one) {
    const std::uint64_t flags = flags_there(one.flags);
    Query q = tx_.db.query("UPDATE mailbox SET uidnext = uidnext + 1, highestmodseq = highestmodseq + 1, count = count "
                           "+ 1, bytes = bytes + ?, unseen = unseen + ?, deleted = deleted + ? WHERE id = ? RETURNING "
                           "uidnext - 1, highestmodseq",
                           one.size, (flags & kSeen) == 0, (flags & kDeleted) != 0, copied_.mailbox);
    q.row();
    const std::uint32_t uid = q.u32(0);
    const std::int64_t modseq = q.i64(1);
    while (q.row()) {
    }
    const std::int64_t arrived = std::max(tx_.now, tx_.memory.heartbeat);
    tx_.db.run("INSERT INTO entry(mailbox, uid, uidl, message, recipient, flags, modseq, internal_date, head, body, "
               "size, prefix, arrived) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               copied_.mailbox, uid, tx_.memory.ulids.next(), one.message, one.recipient, flags, modseq, one.date,
               one.head, one.body, one.size, one.prefix, arrived);
    if (!move_) {
      if (one.head > 0) tx_.db.run("UPDATE head SET refs = refs + 1 WHERE id = ?", one.head);
      if (one.body != 0) tx_.db.run("UPDATE body SET refs = refs + 1 WHERE id = ?", one.body);
    }
    copied_.from.push_back(one.uid);
    copied_.to.push_back(uid);
  }

  void forget_sources(const std::vector<EntryRow>& sources) {
    std::uint64_t bytes = 0, unseen = 0, deleted = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const EntryRow& one = sources[i];
      tx_.db.run("DELETE FROM entry WHERE mailbox = ? AND uid = ?", from_, one.uid);
      tx_.db.run("UPDATE recipient SET mailbox = ?, uid = ? WHERE message = ? AND n = ? AND mailbox = ? AND uid = ?",
                 copied_.mailbox, copied_.to[i], one.message, one.recipient, from_, one.uid);
      bytes += one.size;
      unseen += (one.flags & kSeen) == 0 ? 1 : 0;
      deleted += (one.flags & kDeleted) != 0 ? 1 : 0;
    }
    const std::int64_t modseq = tx_.db.number("UPDATE mailbox SET count = count - ?, bytes = bytes - ?, unseen = "
                                              "unseen - ?, deleted = deleted - ?, highestmodseq = highestmodseq + 1 "
                                              "WHERE id = ? RETURNING highestmodseq",
                                              0, sources.size(), bytes, unseen, deleted, from_);
    note_expunged(tx_, from_, modseq, copied_.from);
  }

  Tx& tx_;
  const Id from_;
  const bool move_;
  std::uint64_t quota_ = 0;
  std::vector<Keyword> names_;
  Copied copied_;
};

} // namespace

std::vector<Keyword> list_keywords(Db& db, Id mailbox) {
  Query q = db.query("SELECT bit, name FROM keyword WHERE mailbox = ? ORDER BY bit", mailbox);
  std::vector<Keyword> out;
  while (q.row()) out.push_back({q.u32(0), q.text(1)});
  return out;
}

std::optional<std::uint64_t> keyword_bit(Tx& tx, Id mailbox, const std::string& name) {
  const std::int64_t known =
      tx.db.number("SELECT bit FROM keyword WHERE mailbox = ? AND lower(name) = lower(?)", -1, mailbox, name);
  if (known >= 0) return std::uint64_t{1} << known;
  const std::int64_t bit = tx.db.number("SELECT ifnull(max(bit) + 1, ?2) FROM keyword WHERE mailbox = ?1", 0, mailbox,
                                        static_cast<std::int64_t>(kFirstKeyword));
  if (name.empty() || bit > static_cast<std::int64_t>(kLastKeyword)) return {};
  tx.db.run("INSERT INTO keyword(mailbox, bit, name) VALUES(?, ?, ?)", mailbox, bit, name);
  return std::uint64_t{1} << bit;
}

UidSlice uid_runs(Db& db, const MailboxView& view, std::uint32_t after, std::size_t most) {
  Query q = db.query("SELECT uid FROM entry WHERE mailbox = ? AND uid > ? AND uid < ? ORDER BY uid LIMIT ?",
                     view.mailbox, after, view.uidnext, most);
  UidSlice slice;
  std::size_t rows = 0;
  for (; q.row(); ++rows) add_run(slice.runs, q.u32(0));
  slice.more = rows == most;
  return slice;
}

std::vector<EntryInfo> list_set(Db& db, Id mailbox, const UidSet& uids, std::size_t most) {
  std::vector<EntryInfo> out;
  for (const UidRun& run : uids) {
    if (out.size() >= most) break;
    Query q = db.query("SELECT uid, uidl, flags, internal_date, size, modseq, arrived, message FROM entry WHERE "
                       "mailbox = ? AND uid BETWEEN ? AND "
                       "? ORDER BY uid LIMIT ?",
                       mailbox, run.first, run.last, most - out.size());
    while (q.row()) out.push_back(entry_info(q));
  }
  return out;
}

Result<MailboxChanges> changes_since(Db& db, const MailboxView& view) {
  MailboxChanges changes;
  changes.until = view;
  auto gone = gone_since(db, view, 0);
  if (!gone) return std::unexpected(std::move(gone.error()));
  changes.gone = std::move(*gone);
  changes.keywords = list_keywords(db, view.mailbox);
  {
    Query q = db.query("SELECT uid, flags, modseq FROM entry INDEXED BY entry_touched WHERE mailbox = ? AND modseq > ? "
                       "AND flags & 64 <> 0 AND uid < ? ORDER BY modseq LIMIT ?",
                       view.mailbox, view.modseq, view.uidnext, kChanged + 1);
    while (q.row()) changes.changed.push_back({q.u32(0), q.u64(1), q.i64(2), true});
  }
  if (changes.changed.size() > kChanged) {
    // All that one change did, and no part of it; one change has fewer than there are here.
    const std::int64_t cut = changes.changed.back().modseq;
    while (!changes.changed.empty() && changes.changed.back().modseq == cut) changes.changed.pop_back();
    if (!changes.changed.empty()) {
      changes.until.modseq = changes.changed.back().modseq;
      changes.more = true;
      return changes;
    }
  }
  Query q = db.query("SELECT uidnext, highestmodseq FROM mailbox WHERE id = ?", view.mailbox);
  if (q.row()) {
    changes.until.uidnext = q.u32(0);
    changes.until.modseq = q.i64(1);
  }
  Query added =
      db.query("SELECT uid FROM entry WHERE mailbox = ? AND uid >= ? ORDER BY uid", view.mailbox, view.uidnext);
  while (added.row()) add_run(changes.added, added.u32(0));
  return changes;
}

Result<EntriesSince> entries_since(Db& db, const MailboxView& view) {
  EntriesSince since;
  auto gone = gone_since(db, view, 0);
  since.all_gone = !gone && gone.error().code == Errc::conflict;
  if (!gone && !since.all_gone) return std::unexpected(std::move(gone.error()));
  if (gone) since.gone = std::move(*gone);
  std::vector<UidRun> runs;
  {
    Query q = db.query("SELECT uid FROM entry INDEXED BY entry_touched WHERE mailbox = ? AND modseq > ? AND "
                       "flags & 64 <> 0 AND uid < ?",
                       view.mailbox, view.modseq, view.uidnext);
    while (q.row()) runs.push_back({q.u32(0), q.u32(0)});
  }
  // Of the others the modseqs rise with the uids: from the last one back.
  Query q = db.query("SELECT uid, modseq, flags FROM entry WHERE mailbox = ? AND uid < ? ORDER BY uid DESC",
                     view.mailbox, view.uidnext);
  while (q.row()) {
    if ((q.u64(2) & kTouched) != 0) continue;
    if (q.i64(1) <= view.modseq) break;
    runs.push_back({q.u32(0), q.u32(0)});
  }
  std::ranges::sort(runs, {}, &UidRun::first);
  for (const UidRun& run : runs) add_run(since.changed, run.first);
  return since;
}

FlagSums sum_flags(Db& db, Id mailbox) {
  FlagSums sums;
  std::uint64_t unseen = 0, deleted = 0;
  {
    Query q = db.query("SELECT unseen, deleted FROM mailbox WHERE id = ?", mailbox);
    if (q.row()) unseen = q.u64(0), deleted = q.u64(1);
  }
  if (unseen > 0)
    sums.first_unseen = static_cast<std::uint32_t>(
        db.number("SELECT uid FROM entry WHERE mailbox = ? AND flags & 1 = 0 ORDER BY uid LIMIT 1", 0, mailbox));
  if (deleted > 0)
    sums.deleted_octets = static_cast<std::uint64_t>(
        db.number("SELECT sum(size) FROM entry WHERE mailbox = ? AND flags & 8 <> 0", 0, mailbox));
  return sums;
}

Result<Marked> mark(Tx& tx, Id mailbox, const UidSet& uids, const FlagChange& change) {
  assert(count_of(uids) <= kMostMoved);
  if (tx.db.number("SELECT 1 FROM mailbox WHERE id = ? AND account IS NOT NULL", 0, mailbox) == 0)
    return fail(Errc::not_found, "the mailbox is gone");
  const auto keywords = keyword_flags(tx, mailbox, change);
  if (!keywords) return std::unexpected(keywords.error());
  const std::uint64_t named = (change.flags & kSystemFlags) | *keywords;
  const std::int64_t modseq = tx.db.number("SELECT highestmodseq + 1 FROM mailbox WHERE id = ?", 0, mailbox);
  Marked marked;
  for (const UidRun& run : uids) {
    Query q = tx.db.query("SELECT uid, flags, modseq FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid",
                          mailbox, run.first, run.last);
    while (q.row()) {
      if (change.unchanged_since && q.i64(2) > *change.unchanged_since)
        add_run(marked.refused, q.u32(0));
      else
        marked.marks.push_back({q.u32(0), q.u64(1), q.i64(2), false});
    }
  }
  std::int64_t unseen = 0, deleted = 0;
  bool changed = false;
  for (Mark& one : marked.marks) {
    const std::uint64_t after = changed_flags(one.flags, named, change.how);
    if (after == one.flags) continue;
    unseen += ((after & kSeen) == 0 ? 1 : 0) - ((one.flags & kSeen) == 0 ? 1 : 0);
    deleted += ((after & kDeleted) != 0 ? 1 : 0) - ((one.flags & kDeleted) != 0 ? 1 : 0);
    one = {one.uid, after | kTouched, modseq, true};
    changed = true;
    tx.db.run("UPDATE entry SET flags = ?, modseq = ? WHERE mailbox = ? AND uid = ?", one.flags, modseq, mailbox,
              one.uid);
  }
  if (changed)
    tx.db.run("UPDATE mailbox SET highestmodseq = ?, unseen = unseen + ?, deleted = deleted + ? WHERE id = ?", modseq,
              unseen, deleted, mailbox);
  marked.keywords = list_keywords(tx.db, mailbox);
  return marked;
}

Purged expunge_deleted(Tx& tx, Id mailbox, const UidSet& uids, const std::string& who) {
  Purged purged;
  if (tx.db.number("SELECT deleted FROM mailbox WHERE id = ?", 0, mailbox) == 0) return purged;
  std::vector<std::uint32_t> found;
  for (const UidRun& run : uids) {
    Query q = tx.db.query("SELECT uid FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? AND flags & 8 <> 0 ORDER BY "
                          "uid LIMIT ?",
                          mailbox, run.first, run.last, kPurged - found.size());
    while (q.row()) found.push_back(q.u32(0));
    purged.more = found.size() == kPurged;
    purged.done = purged.more ? found.back() : run.last;
    if (purged.more) break;
  }
  if (!found.empty()) purged.removed = expunge(tx, mailbox, found, who);
  return purged;
}

Result<Copied> copy_entries(Tx& tx, Id mailbox, const UidSet& uids, Id account, const std::string& to, bool move) {
  assert(count_of(uids) <= kMostMoved);
  return Copying(tx, mailbox, move).run(uids, account, to);
}

} // namespace paquebot::store::sqlite
