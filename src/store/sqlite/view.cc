#include "store/sqlite/view.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kRuns = 5000;           // forgotten in one transaction
constexpr std::size_t kMailboxesSwept = 1000; // looked at in one

/// Goes through a view: entries that are there, and what is gone between them.
class ViewWalk {
public:
  /// `rows` begins with the uid.
  ViewWalk(Query rows, std::vector<UidRun> gone) : rows_(std::move(rows)), gone_(std::move(gone)) { step(); }

  /// False at the end.
  bool next() {
    if (here_) step();
    if (run_ < gone_.size() && (!more_ || gone_[run_].first < rows_.u32(0))) {
      here_ = false;
      uid_ = gone_[run_].first;
      if (gone_[run_].first++ == gone_[run_].last) ++run_;
      return true;
    }
    here_ = more_;
    if (here_) uid_ = rows_.u32(0);
    return here_;
  }
  std::uint32_t uid() const { return uid_; }
  const Query* row() const { return here_ ? &rows_ : nullptr; } ///< null: it is gone

private:
  void step() { more_ = rows_.row(); }

  Query rows_;
  std::vector<UidRun> gone_;
  std::size_t run_ = 0;
  std::uint32_t uid_ = 0;
  bool more_ = false; ///< rows_ stands on one
  bool here_ = false; ///< and it is the one that next() has told
};

} // namespace

Result<UidSet> gone_since(Db& db, const MailboxView& view, std::uint32_t after_uid) {
  const std::int64_t forgotten =
      db.number("SELECT forgotten FROM mailbox WHERE id = ? AND account IS NOT NULL", -1, view.mailbox);
  if (forgotten < 0) return fail(Errc::not_found, "the mailbox is gone");
  if (forgotten > view.modseq) return fail(Errc::conflict, "what was deleted since then is not known any more");
  Query q = db.query("SELECT uid, last FROM expunged WHERE mailbox = ? AND modseq > ? AND last > ? AND uid < ?",
                     view.mailbox, view.modseq, after_uid, view.uidnext);
  UidSet runs;
  while (q.row()) {
    const UidRun run{std::max(q.u32(0), after_uid + 1), std::min(q.u32(1), view.uidnext - 1)};
    if (run.first <= run.last) runs.push_back(run); // else all of it that could be meant came since
  }
  std::ranges::sort(runs, {}, &UidRun::first);
  return runs;
}

void note_expunged(Tx& tx, Id mailbox, std::int64_t modseq, const std::vector<std::uint32_t>& uids) {
  const std::int64_t at = std::max(tx.now, tx.memory.heartbeat);
  for (std::size_t i = 0; i < uids.size();) {
    const std::uint32_t first = uids[i];
    std::uint32_t last = first;
    for (++i; i < uids.size() && uids[i] == last + 1; ++i) ++last;
    assert(i == uids.size() || uids[i] > last);
    tx.db.run("INSERT INTO expunged(mailbox, modseq, uid, last, at) VALUES(?, ?, ?, ?, ?)", mailbox, modseq, first,
              last, at);
  }
}

namespace {

/// Kept at an import. It is text, those of our own are octets; where all are octets, the first of ours is of a time
/// before the year 3000, that of the others is a character.
bool is_old_uidl(const Query& row, int column) {
  const std::string_view octets = row.view(column);
  return row.is_text(column) || octets.size() != Ulid().bytes.size() || octets.front() > ' ';
}

} // namespace

EntryInfo entry_info(const Query& row) {
  EntryInfo e;
  e.uid = row.u32(0);
  if (is_old_uidl(row, 1))
    e.old_uidl = row.text(1);
  else
    e.uidl = row.ulid(1);
  e.flags = row.u64(2);
  e.internal_date = row.i64(3);
  e.size = row.u64(4);
  e.modseq = row.i64(5);
  e.arrived = row.i64(6) != 0 || row.is_text(1) ? row.i64(6) : e.uidl.millis();
  e.message = row.ulid(7);
  return e;
}

Result<std::vector<EntryInfo>> list_view(Db& db, const MailboxView& view, std::uint32_t after_uid, std::size_t most) {
  auto gone = gone_since(db, view, after_uid);
  if (!gone) return std::unexpected(std::move(gone.error()));
  ViewWalk walk(db.query("SELECT uid, uidl, flags, internal_date, size, modseq, arrived, message FROM entry WHERE "
                         "mailbox = ? AND uid > ? AND uid < ? "
                         "ORDER BY uid LIMIT ?",
                         view.mailbox, after_uid, view.uidnext, most),
                std::move(*gone));
  std::vector<EntryInfo> out;
  while (out.size() < most && walk.next()) {
    EntryInfo entry;
    if (walk.row() != nullptr) entry = entry_info(*walk.row());
    entry.uid = walk.uid();
    entry.gone = walk.row() == nullptr;
    out.push_back(std::move(entry));
  }
  return out;
}

Result<std::vector<std::uint32_t>> index_view(Db& db, const MailboxView& view, std::uint32_t after_uid,
                                              std::uint32_t stride, std::size_t most) {
  auto gone = gone_since(db, view, after_uid);
  if (!gone) return std::unexpected(std::move(gone.error()));
  ViewWalk walk(db.query("SELECT uid FROM entry WHERE mailbox = ? AND uid > ? AND uid < ? ORDER BY uid", view.mailbox,
                         after_uid, view.uidnext),
                std::move(*gone));
  std::vector<std::uint32_t> out;
  for (std::uint64_t n = 0; out.size() < most && walk.next(); ++n) {
    if (n % stride == 0) out.push_back(walk.uid());
  }
  return out;
}

bool forget_expunged(Tx& tx, std::int64_t before, std::int64_t future) {
  std::size_t forgotten = 0;
  for (std::size_t n = 0; n < kMailboxesSwept && forgotten < kRuns; ++n) {
    const Id mailbox = tx.db.number("SELECT mailbox FROM expunged WHERE mailbox > ? ORDER BY mailbox LIMIT 1", 0,
                                    tx.memory.swept_expunged);
    if (mailbox == 0) {
      tx.memory.swept_expunged = 0;
      return false;
    }
    std::int64_t modseq = 0; // from the oldest on, without a gap: whoever saw the mailbox then or later still knows all
    std::size_t old = 0;
    {
      Query q =
          tx.db.query("SELECT modseq, at FROM expunged WHERE mailbox = ? ORDER BY modseq LIMIT ?", mailbox, kRuns);
      for (; q.row() && (q.i64(1) < before || q.i64(1) > future); ++old) modseq = q.i64(0);
    }
    if (old < kRuns) tx.memory.swept_expunged = mailbox; // else there may be more of it
    if (old == 0) continue;
    tx.db.run("DELETE FROM expunged WHERE mailbox = ? AND modseq <= ?", mailbox, modseq);
    tx.db.run("UPDATE mailbox SET forgotten = ? WHERE id = ?", modseq, mailbox);
    forgotten += old;
  }
  return true;
}

bool drop_expunged(Tx& tx, Id mailbox) {
  tx.db.run("DELETE FROM expunged WHERE mailbox = ?1 AND (modseq, uid) IN (SELECT modseq, uid FROM expunged WHERE "
            "mailbox = ?1 LIMIT ?2)",
            mailbox, kRuns);
  return tx.db.changes() > 0;
}

} // namespace paquebot::store::sqlite
