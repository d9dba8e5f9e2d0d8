#include "store/sqlite_mailbox.h"

#include "base/text.h"
#include "store/sqlite_content.h"
#include "store/sqlite_rows.h"

#include <algorithm>

namespace paquebot::store {
namespace {

EntryInfo info_of(const Query& q) {
  EntryInfo e;
  e.uid = q.u32(0);
  if (q.is_text(1)) // kept at an import; those of our own are octets
    e.old_uidl = q.text(1);
  else
    e.uidl = q.ulid(1);
  e.flags = q.u32(2);
  e.internal_date = q.i64(3);
  e.size = q.u64(4);
  return e;
}

struct Removed {
  Ulid message;
  std::uint32_t recipient = 0;
  Id head = 0;
  Id body = 0;
  std::uint64_t size = 0;
};

std::optional<Removed> find_entry(Db& db, Id mailbox, std::uint32_t uid) {
  Query q =
      db.query("SELECT message, recipient, head, body, size FROM entry WHERE mailbox = ? AND uid = ?", mailbox, uid);
  if (!q.row()) return {};
  return Removed{q.ulid(0), q.u32(1), q.i64(2), q.i64(3), q.u64(4)};
}

} // namespace

Result<MailboxInfo> open_mailbox(Db& db, Id account, const std::string& name) {
  const std::string wanted = iequals(name, "INBOX") ? "INBOX" : name;
  Query q = db.query("SELECT id, uidvalidity, uidnext, count, bytes FROM mailbox WHERE account = ? AND name = ?",
                     account, wanted);
  if (!q.row())
    return fail(Errc::not_found, "there is no mailbox " + printable(name) + " in account " + std::to_string(account));
  return MailboxInfo{q.i64(0), q.u32(1), q.u32(2), q.u64(3), q.u64(4)};
}

std::vector<EntryInfo> list_entries(Db& db, Id mailbox, std::uint32_t after_uid, std::size_t most) {
  Query q = db.query(
      "SELECT uid, uidl, flags, internal_date, size FROM entry WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?",
      mailbox, after_uid, most);
  std::vector<EntryInfo> out;
  while (q.row()) out.push_back(info_of(q));
  return out;
}

std::vector<std::uint32_t> index_entries(Db& db, Id mailbox, std::uint32_t after_uid, std::uint32_t below_uid,
                                         std::uint32_t stride, std::size_t most) {
  Query q = db.query("SELECT uid FROM entry WHERE mailbox = ? AND uid > ? AND uid < ? ORDER BY uid", mailbox, after_uid,
                     below_uid);
  std::vector<std::uint32_t> out;
  for (std::uint64_t n = 0; out.size() < most && q.row(); ++n) {
    if (n % stride == 0) out.push_back(q.u32(0));
  }
  return out;
}

Result<EntryContent> read_entry(Db& db, Id mailbox, std::uint32_t uid) {
  EntryContent content;
  Id head = 0;
  Id body = 0;
  {
    Query q = db.query(
        "SELECT uid, uidl, flags, internal_date, size, prefix, head, body FROM entry WHERE mailbox = ? AND uid = ?",
        mailbox, uid);
    if (!q.row()) return fail(Errc::not_found, "there is no message " + std::to_string(uid) + " in this mailbox");
    content.info = info_of(q);
    content.head = q.text(5);
    head = q.i64(6);
    body = q.i64(7);
  }
  auto bytes = load_head(db, head);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  content.head += *bytes;
  content.body = body_ref(db, body);
  return content;
}

bool was_imported(Db& db, Id account, const std::string& digest) {
  return db.number("SELECT 1 FROM mailbox m JOIN imported i ON i.mailbox = m.id AND i.digest = ? "
                   "WHERE m.account = ? AND m.name = 'INBOX'",
                   0, Blob{digest}, account) != 0;
}

Result<std::vector<EntryContent>> read_entries(Db& db, Id mailbox, const std::vector<std::uint32_t>& uids,
                                               std::size_t most) {
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
  return entries;
}

std::size_t expunge(Tx& tx, Id mailbox, const std::vector<std::uint32_t>& uids, const std::string& who) {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  for (const std::uint32_t uid : uids) {
    const auto entry = find_entry(tx.db, mailbox, uid);
    if (!entry) continue;
    tx.db.run("DELETE FROM entry WHERE mailbox = ? AND uid = ?", mailbox, uid);
    release_content(tx.db, entry->head, entry->body);
    add_events(tx.db, entry->message, {{tx.now, EventKind::removed, {entry->recipient}, who, 1}});
    bytes += entry->size;
    ++count;
  }
  if (count > 0) {
    tx.db.run("UPDATE mailbox SET count = count - ?, bytes = bytes - ?, highestmodseq = highestmodseq + 1 WHERE id = ?",
              count, bytes, mailbox);
  }
  return count;
}

void make_mailbox(Tx& tx, Id account, const std::string& name) {
  // RFC 3501 section 2.3.1.1: a mailbox made anew under an old name must have a greater uidvalidity.
  const std::int64_t last = tx.db.number("SELECT value FROM setting WHERE key = 'mailbox.uidvalidity'", 0);
  const std::int64_t fresh = std::max(last + 1, tx.now / 1000);
  tx.db.run("INSERT OR REPLACE INTO setting(key, value) VALUES('mailbox.uidvalidity', ?)", fresh);
  tx.db.run("INSERT INTO mailbox(account, name, uidvalidity) VALUES(?, ?, ?)", account, name, fresh);
}

} // namespace paquebot::store
