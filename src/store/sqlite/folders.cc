#include "store/sqlite/folders.h"

#include "base/text.h"
#include "store/sqlite/mailboxes.h"

#include <algorithm>
#include <utility>

namespace paquebot::store::sqlite {
namespace {

constexpr std::string_view kInboxFolder = "INBOX";

Error no_folder(const std::string& name) { return {Errc::not_found, "there is no mailbox " + printable(name)}; }

Id folder_id(Db& db, Id account, std::string_view name) {
  return db.number("SELECT id FROM mailbox WHERE account = ? AND name = ?", 0, account, name);
}

Result<> make_folder(Tx& tx, Id account, const std::string& name, std::uint8_t special_use) {
  if (tx.db.number("SELECT count(*) FROM mailbox WHERE account = ?", 0, account) >=
      static_cast<std::int64_t>(kMostFolders))
    return fail(Errc::refused, "the account has as many mailboxes as it may");
  make_mailbox(tx, account, name);
  if (special_use != 0)
    tx.db.run("UPDATE mailbox SET special_use = ? WHERE account = ? AND name = ?", special_use, account, name);
  return {};
}

/// Those above it that are missing (RFC 9051 section 6.3.4).
Result<> make_superiors(Tx& tx, Id account, const std::string& name) {
  for (auto at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
    const std::string above = mailbox_name(name.substr(0, at));
    if (folder_id(tx.db, account, above) != 0) continue;
    if (auto made = make_folder(tx, account, above, 0); !made) return made;
  }
  return {};
}

/// All that is in INBOX is now in a mailbox of another name; what comes goes to a new one.
Result<> rename_inbox(Tx& tx, Id account, const std::string& to) {
  if (auto made = make_superiors(tx, account, to); !made) return made;
  tx.db.run("UPDATE mailbox SET name = ? WHERE account = ? AND name = 'INBOX'", to, account);
  return make_folder(tx, account, std::string(kInboxFolder), 0);
}

} // namespace

void make_first_folders(Tx& tx, Id account) {
  constexpr std::pair<const char*, std::uint8_t> kFirst[] = {{"INBOX", 0}, {"Drafts", 4}, {"Sent", 32},
                                                             {"Junk", 16}, {"Trash", 64}, {"Archive", 2}};
  for (const auto& [name, special_use] : kFirst) {
    make_mailbox(tx, account, name);
    if (special_use != 0)
      tx.db.run("UPDATE mailbox SET special_use = ? WHERE account = ? AND name = ?", special_use, account,
                std::string_view(name));
    tx.db.run("INSERT OR IGNORE INTO subscription(account, name) VALUES(?, ?)", account, std::string_view(name));
  }
}

std::string wanted_folder(Db& db, Id account, std::uint8_t special_use, const std::string& named) {
  if (special_use != 0) {
    Query q = db.query("SELECT name FROM mailbox WHERE account = ? AND special_use & ? <> 0 ORDER BY id LIMIT 1",
                       account, special_use);
    if (q.row()) return q.text(0);
  }
  return named.empty() ? std::string() : mailbox_name(named);
}

FolderList list_folders(Db& db, Id account) {
  FolderList list;
  {
    Query q = db.query("SELECT id, uidvalidity, uidnext, count, bytes, highestmodseq, unseen, deleted, name, "
                       "special_use FROM mailbox WHERE account = ?",
                       account);
    while (q.row()) {
      Folder folder;
      static_cast<MailboxInfo&>(folder) = {q.i64(0), q.u32(1), q.u32(2), q.u64(3),
                                           q.u64(4), q.i64(5), q.u64(6), q.u64(7)};
      folder.name = q.text(8);
      folder.special_use = static_cast<std::uint8_t>(q.u32(9));
      list.folders.push_back(std::move(folder));
    }
  }
  Query q = db.query("SELECT name FROM subscription WHERE account = ?", account);
  while (q.row()) list.subscribed.push_back(q.text(0));
  return list;
}

Result<> create_folder(Tx& tx, Id account, const std::string& name, std::uint8_t special_use) {
  if (tx.db.number("SELECT 1 FROM account WHERE id = ?", 0, account) == 0)
    return fail(Errc::not_found, "the account is gone");
  const std::string kept = mailbox_name(name);
  if (folder_id(tx.db, account, kept) != 0) return fail(Errc::conflict, "there is a mailbox " + printable(kept));
  if (auto made = make_superiors(tx, account, kept); !made) return made;
  return make_folder(tx, account, kept, special_use);
}

Result<Id> remove_folder(Tx& tx, Id account, const std::string& name) {
  const std::string kept = mailbox_name(name);
  if (kept == kInboxFolder) return fail(Errc::refused, "INBOX stays");
  const Id id = folder_id(tx.db, account, kept);
  if (id == 0) return std::unexpected(no_folder(kept));
  // Its mail goes in slices (maintain): a large mailbox would hold up every other commit.
  tx.db.run("UPDATE mailbox SET account = NULL WHERE id = ?", id);
  return id;
}

Result<> rename_folder(Tx& tx, Id account, const std::string& from, const std::string& to) {
  const std::string before = mailbox_name(from);
  const std::string after = mailbox_name(to);
  if (folder_id(tx.db, account, after) != 0) return fail(Errc::conflict, "there is a mailbox " + printable(after));
  if (before == kInboxFolder) return rename_inbox(tx, account, after);
  std::vector<std::pair<Id, std::string>> renamed;
  std::vector<std::string> others;
  {
    Query q = tx.db.query("SELECT id, name FROM mailbox WHERE account = ?", account);
    while (q.row()) {
      std::string name = q.text(1);
      if (name == before || name.starts_with(before + '/'))
        renamed.emplace_back(q.i64(0), after + name.substr(before.size()));
      else
        others.push_back(std::move(name));
    }
  }
  if (renamed.empty()) return std::unexpected(no_folder(before));
  for (const auto& [id, name] : renamed)
    if (std::ranges::find(others, name) != others.end())
      return fail(Errc::conflict, "there is a mailbox " + printable(name));
  if (auto made = make_superiors(tx, account, after); !made) return made;
  for (const auto& [id, name] : renamed) tx.db.run("UPDATE mailbox SET name = ? WHERE id = ?", name, id);
  return {};
}

Result<> adopt_uids(Tx& tx, const MailboxView& view, std::uint32_t uidvalidity, std::uint32_t uidnext) {
  // Where mail still comes in elsewhere, until it comes here, it gets uids there.
  constexpr std::uint32_t kAhead = 1'000'000;
  // Above what another server can have counted to: a client that brings a modseq of there is told of what changes here.
  constexpr std::int64_t kModseqs = std::int64_t{1} << 40;
  std::int64_t highest = 0;
  {
    Query q = tx.db.query(
        "SELECT uidvalidity, uidnext, highestmodseq FROM mailbox WHERE id = ? AND account IS NOT NULL", view.mailbox);
    if (!q.row()) return fail(Errc::not_found, "the mailbox is gone");
    if (q.u32(0) == uidvalidity) return {};
    if (q.u32(1) != view.uidnext || q.i64(2) != view.modseq)
      return fail(Errc::conflict, "the mailbox has changed meanwhile");
    highest = q.i64(2);
  }
  if (tx.db.number("SELECT 1 FROM imported WHERE mailbox = ? LIMIT 1", 0, view.mailbox) == 0)
    return fail(Errc::refused, "nothing was imported into the mailbox");
  const std::int64_t last = tx.db.number("SELECT value FROM setting WHERE key = 'mailbox.uidvalidity'", 0);
  const std::int64_t most = std::max(last, tx.now / 1000);
  if (uidvalidity == 0 || uidvalidity > most || uidnext > kMostKeptUid || view.uidnext > kMostKeptUid)
    return fail(Errc::refused, "the uids or the uidvalidity are higher than what can be kept");
  if (uidvalidity > last)
    tx.db.run("UPDATE setting SET value = ? WHERE key = 'mailbox.uidvalidity'", std::to_string(uidvalidity));
  const std::uint32_t next = std::max(uidnext, view.uidnext) + kAhead;
  // What was deleted elsewhere since a client was told is known here no more: forgotten.
  tx.db.run("DELETE FROM expunged WHERE mailbox = ?", view.mailbox);
  tx.db.run("UPDATE mailbox SET uidvalidity = ?, uidnext = ?, highestmodseq = ?, forgotten = ? WHERE id = ?",
            uidvalidity, next, highest + kModseqs, highest + kModseqs, view.mailbox);
  return {};
}

Result<> subscribe_folder(Tx& tx, Id account, const std::string& name, bool subscribed) {
  const std::string kept = mailbox_name(name);
  if (!subscribed) {
    tx.db.run("DELETE FROM subscription WHERE account = ? AND name = ?", account, kept);
    return {};
  }
  if (tx.db.number("SELECT 1 FROM account WHERE id = ?", 0, account) == 0)
    return fail(Errc::not_found, "the account is gone");
  if (tx.db.number("SELECT count(*) FROM subscription WHERE account = ?", 0, account) >=
      static_cast<std::int64_t>(kMostSubscriptions))
    return fail(Errc::refused, "the account has as many subscriptions as it may");
  tx.db.run("INSERT OR IGNORE INTO subscription(account, name) VALUES(?, ?)", account, kept);
  return {};
}

} // namespace paquebot::store::sqlite
