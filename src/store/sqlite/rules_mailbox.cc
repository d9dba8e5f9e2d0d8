#include "store/sqlite/rules.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

/// An older file is shown as of today, without what the steps compute (view_as_today).
bool counts_flags(Check& check, const Query&) { return check.main.number("PRAGMA user_version", 0) >= 11; }

constexpr Rule kMailboxRules[] = {
    {"mailbox.counts",
     "(b.count, b.bytes) <> (SELECT count(*), ifnull(sum(e.size), 0) FROM entry e WHERE e.mailbox = b.id)",
     "mailbox %: its count or bytes do not match its entries"},
    {"mailbox.unseen", "b.unseen <> (SELECT count(*) FROM entry e WHERE e.mailbox = b.id AND e.flags & 1 = 0)",
     "mailbox %: its count of unseen entries is wrong", kMiscounted, counts_flags},
    {"mailbox.deleted", "b.deleted <> (SELECT count(*) FROM entry e WHERE e.mailbox = b.id AND e.flags & 8 <> 0)",
     "mailbox %: its count of entries marked as deleted is wrong", kMiscounted, counts_flags},
    {"mailbox.uidnext", "b.uidnext <= (SELECT max(e.uid) FROM entry e WHERE e.mailbox = b.id)",
     "mailbox %: an entry has a uid that is still to be given", kGivenAgain},
    {"mailbox.account", "b.account IS NOT NULL AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = b.account)",
     "mailbox %: its account does not exist"},
    {"mailbox.uidvalidity",
     "b.uidvalidity NOT BETWEEN 1 AND 4294967295 OR "
     "b.uidvalidity > (SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'mailbox.uidvalidity')",
     "mailbox %: its uidvalidity would be given again", kGivenAgain},
    {"mailbox.uidvalidity_lowered",
     "b.uidvalidity < (SELECT min(a.created / 1000, 4294967295) FROM account a WHERE a.id = b.account) AND "
     "NOT EXISTS (SELECT 1 FROM imported i WHERE i.mailbox = b.id)", // else the one of elsewhere was kept
     "mailbox %: its uidvalidity is lower than it can be", kGivenAgain},
    {"mailbox.modseq", "b.highestmodseq < b.uidnext - 1", "mailbox %: its highest modseq is lower than it can be"},
    {"mailbox.forgotten", "b.forgotten NOT BETWEEN 0 AND b.highestmodseq",
     "mailbox %: it forgot what is still to be deleted"},
    {"mailbox.name", "b.name = '' OR (lower(b.name) = 'inbox' AND b.name <> 'INBOX')",
     "mailbox %: its name is not normal"},
    {"mailbox.values",
     "b.uidnext NOT BETWEEN 1 AND 4294967296 OR b.count < 0 OR b.bytes < 0 OR "
     "b.special_use NOT BETWEEN 0 AND 127",
     "mailbox %: a value is out of its range"},
};

/// One of our own UIDLs a second time (those kept at an import have an index of their own) in the entry's mailbox:
/// looked for only where UIDLs do not rise as they do when one after the other is given. Memory is bounded: a very
/// large mailbox is gone through several times, each time for some of its UIDLs.
bool has_twins(Check& check, const Query& row) {
  constexpr std::int64_t kAtOnce = 500'000;
  const Id mailbox = row.i64(0);
  if (mailbox == check.without_twins) return false;
  const std::int64_t count = check.main.number("SELECT count(*) FROM entry WHERE mailbox = ?", 0, mailbox);
  const std::int64_t passes = count / kAtOnce + 1;
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    std::vector<Ulid> seen;
    Query q = check.main.query("SELECT uidl FROM entry WHERE mailbox = ? AND typeof(uidl) = 'blob'", mailbox);
    while (q.row()) {
      const Ulid id = q.ulid(0);
      if (id.bytes.back() % passes == pass) seen.push_back(id);
    }
    std::ranges::sort(seen);
    if (std::ranges::adjacent_find(seen) != seen.end()) return true;
  }
  check.without_twins = mailbox;
  return false;
}

constexpr Rule kEntryRules[] = {
    {"entry.mailbox", "NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.id = e.mailbox)",
     "mailbox %: it does not exist, but has entries"},
    {"entry.content",
     "NOT EXISTS (SELECT 1 FROM body c WHERE c.id = e.body) OR (e.head < 0 AND e.head <> -e.body) OR "
     "(e.head >= 0 AND NOT EXISTS (SELECT 1 FROM head h WHERE h.id = e.head))",
     "mailbox %: an entry has no content", kIncomplete},
    {"entry.size",
     "e.size <> length(CAST(e.prefix AS BLOB)) + (SELECT c.size + CASE WHEN e.head < 0 THEN length(c.head) ELSE "
     "(SELECT length(h.bytes) FROM head h WHERE h.id = e.head) END FROM body c WHERE c.id = e.body)",
     "mailbox %: the size of an entry is not that of its content"},
    {"entry.modseq", "e.modseq NOT BETWEEN 1 AND (SELECT b.highestmodseq FROM mailbox b WHERE b.id = e.mailbox)",
     "mailbox %: an entry has a modseq above the mailbox's"},
    {"entry.order",
     "e.flags & 64 = 0 AND e.modseq <= (SELECT p.modseq FROM entry p WHERE p.mailbox = e.mailbox AND p.uid < e.uid AND "
     "p.flags & 64 = 0 ORDER BY p.uid DESC LIMIT 1)",
     "mailbox %: an entry was changed, but is not noted as such"},
    {"entry.keyword",
     "e.flags >= 65536 AND (e.flags >> 16) & ~CAST((SELECT ifnull(sum(CAST(1 AS BIGINT) << (k.bit - 16)), 0) FROM "
     "keyword k WHERE k.mailbox = e.mailbox) AS BIGINT) <> 0",
     "mailbox %: an entry has a keyword without a name"},
    {"entry.recipient",
     "EXISTS (SELECT 1 FROM message m WHERE m.id = e.message) AND "
     "NOT EXISTS (SELECT 1 FROM recipient r WHERE r.message = e.message AND r.n = e.recipient)",
     "mailbox %: an entry is of a recipient that does not exist"},
    {"entry.uidl",
     "typeof(e.uidl) = 'blob' AND e.uidl <= (SELECT p.uidl FROM entry p WHERE p.mailbox = e.mailbox AND p.uid < e.uid "
     "AND "
     "typeof(p.uidl) = 'blob' ORDER BY p.uid DESC LIMIT 1)",
     "mailbox %: two entries have the same UIDL", kMiscounted, has_twins},
    {"entry.arrived", "e.arrived NOT BETWEEN 0 AND 253402300799999",
     "mailbox %: an entry came at a time that cannot be"},
    {"entry.values",
     "e.uid NOT BETWEEN 1 AND 4294967295 OR (typeof(e.uidl) = 'blob' AND length(e.uidl) <> 16) OR "
     "(typeof(e.uidl) = 'text' AND length(e.uidl) NOT BETWEEN 1 AND 70) OR typeof(e.uidl) NOT IN ('blob', 'text') OR "
     "typeof(e.message) <> 'blob' OR length(e.message) <> 16 OR e.flags < 0 OR e.flags & 65408 <> 0 OR "
     "e.size < 0 OR "
     "e.recipient NOT BETWEEN 0 AND 4294967295 OR e.internal_date NOT BETWEEN -62135596800000 AND 253402300799999",
     "mailbox %: a value of an entry is out of its range"},
};

constexpr Rule kKeywordRules[] = {
    {"keyword.mailbox", "NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.id = k.mailbox)",
     "mailbox %: it does not exist, but has keywords"},
    {"keyword.values", "k.bit NOT BETWEEN 16 AND 62 OR k.name = ''", "mailbox %: a keyword is out of its range"},
};

constexpr Rule kSubscriptionRules[] = {
    {"subscription.account", "NOT EXISTS (SELECT 1 FROM account a WHERE a.id = s.account)",
     "account %: it does not exist, but has subscribed"},
    {"subscription.name", "s.name = '' OR (lower(s.name) = 'inbox' AND s.name <> 'INBOX')",
     "account %: a name that it has subscribed is not normal"},
};

constexpr Rule kExpungedRules[] = {
    {"expunged.mailbox", "NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.id = x.mailbox)",
     "mailbox %: it does not exist, but entries of it were deleted"},
    {"expunged.modseq",
     "EXISTS (SELECT 1 FROM mailbox b WHERE b.id = x.mailbox AND x.modseq NOT BETWEEN b.forgotten + 1 AND "
     "b.highestmodseq)",
     "mailbox %: entries were deleted by what it forgot, or has not come to yet"},
    {"expunged.entry", "EXISTS (SELECT 1 FROM entry e WHERE e.mailbox = x.mailbox AND e.uid BETWEEN x.uid AND x.last)",
     "mailbox %: an entry is there that was deleted"},
    {"expunged.values",
     "x.uid < 1 OR x.last < x.uid OR x.at NOT BETWEEN 0 AND 253402300799999 OR "
     "x.last >= (SELECT b.uidnext FROM mailbox b WHERE b.id = x.mailbox)",
     "mailbox %: a value of a deleted entry is out of its range"},
};

constexpr Rule kImportRules[] = {
    {"imported.mailbox", "NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.id = i.mailbox)",
     "mailbox %: it does not exist, but mail was imported into it"},
};

} // namespace

std::vector<Part> mailbox_parts() {
  return {
      Walk{false, {"mailbox b", {"b.id"}}, "b.id", kMailboxRules},
      Walk{false, {"entry e", {"e.mailbox", "e.uid"}}, "e.mailbox", kEntryRules},
      Walk{false, {"expunged x", {"x.mailbox", "x.modseq", "x.uid"}}, "x.mailbox", kExpungedRules},
      Walk{false, {"keyword k", {"k.mailbox", "k.bit"}}, "k.mailbox", kKeywordRules},
      Walk{false, {"subscription s", {"s.account", "s.name"}}, "s.account", kSubscriptionRules},
      Walk{false, {"imported i", {"i.mailbox", "i.digest"}}, "i.mailbox", kImportRules},
  };
}

} // namespace paquebot::store::sqlite
