#include "store/sqlite/suspicion.h"

#include "store/sending_limits.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/feed.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

constexpr std::int64_t kDayMillis = 24LL * 3600 * 1000;
constexpr std::int64_t kUsualDays = 30;

// Kinds of counter rows beside those of LimitKind. Numbers are stored: never change them.
constexpr int kFailed = 64;
/// Of a kind of a day, that much was counted when an operator last let the account go.
constexpr int kForgiven = 128;

int row_kind(LimitKind kind) { return static_cast<int>(kind); }

std::int64_t day_of(std::int64_t time) { return window_start(LimitKind::recipients_per_day, time); }

std::uint64_t counted(Db& db, Id account, int kind, std::int64_t day) {
  return static_cast<std::uint64_t>(db.number(
      "SELECT value FROM counter WHERE account = ? AND kind = ? AND window_start = ?", 0, account, kind, day));
}

/// What was counted in a day since an operator let the account go.
std::uint64_t counted_since(Db& db, Id account, int kind, std::int64_t day) {
  const std::uint64_t all = counted(db, account, kind, day);
  return all - std::min(all, counted(db, account, kForgiven + kind, day));
}

/// First-time recipients on a day on which there are any.
std::uint64_t usual(Db& db, Id account, std::int64_t today) {
  return static_cast<std::uint64_t>(
      db.number("SELECT ifnull(sum(value) / count(*), 0) FROM counter WHERE account = ? AND kind = ? AND "
                "window_start >= ? AND window_start < ? AND value > 0",
                0, account, LimitKind::new_recipients_per_day, today - kUsualDays * kDayMillis, today));
}

bool has_own_bound(Db& db, Id account) {
  return db.number("SELECT 1 FROM account_limit WHERE account = ? AND kind = ?", 0, account,
                   LimitKind::new_recipients_per_day) != 0;
}

void watch_failures(Tx& tx, Id account, std::int64_t day) {
  const TakeoverRules& rules = tx.memory.takeover;
  if (rules.failures == 0) return;
  const std::uint64_t failed = counted_since(tx.db, account, kFailed, day);
  const std::uint64_t of = counted_since(tx.db, account, row_kind(LimitKind::recipients_per_day), day);
  if (const auto reason = judge_failures(rules, failed, of)) suspect(tx, account, TakeoverSign::failures, *reason);
}

} // namespace

bool suspect(Tx& tx, Id account, TakeoverSign signal, const std::string& reason) {
  tx.db.run("INSERT OR IGNORE INTO account_suspicion(account, since, signal, reason, notice, told) "
            "SELECT id, ?, ?, ?, ?, 0 FROM account WHERE id = ?",
            tx.now, signal, reason, tx.memory.ulids.next(), account);
  if (tx.db.changes() == 0) return false;
  ++tx.memory.marks;
  feed_word(tx, "account.suspected", login_of(tx.db, account), reason);
  return true;
}

std::optional<std::string> hold_reason(Db& db, Id account) {
  Query q = db.query("SELECT reason FROM account_suspicion WHERE account = ?", account);
  if (!q.row()) return {};
  return "held by " + std::string(kTakeoverWatch) + ": " + q.text(0);
}

std::optional<std::string> hold_reason_of(Db& db, const Ulid& message) {
  return hold_reason(db, db.number("SELECT account FROM message WHERE id = ?", 0, message));
}

bool anybody_suspected(Db& db) { return db.number("SELECT 1 FROM account_suspicion LIMIT 1", 0) != 0; }

// What suspicion_of() reads. A macro, since statements are literals (Db::query).
#define SUSPICION_QUERY                                                                                                \
  "SELECT s.account, a.login, s.since, s.signal, s.reason, s.notice, s.told "                                          \
  "FROM account_suspicion s JOIN account a ON a.id = s.account "

namespace {

Suspicion suspicion_of(const Query& q) {
  return {q.i64(0), q.text(1), q.i64(2), q.as<TakeoverSign>(3), q.text(4), q.ulid(5), q.flag(6), 0};
}

void count_held(Db& db, std::vector<Suspicion>& marked) {
  if (marked.empty()) return;
  std::map<Id, std::uint64_t> held;
  Query q = db.query("SELECT m.account, count(*) FROM recipient r JOIN message m ON m.id = r.message WHERE r.state = 1 "
                     "AND m.account <> 0 AND r.hold_kind = ? GROUP BY m.account",
                     HoldKind::takeover);
  while (q.row()) held[q.i64(0)] = q.u64(1);
  for (Suspicion& one : marked) one.held = held[one.account];
}

} // namespace

std::vector<Suspicion> list_suspicions(Db& db, bool with_counts) {
  std::vector<Suspicion> out;
  {
    Query q = db.query(SUSPICION_QUERY "ORDER BY s.since, s.account");
    while (q.row()) out.push_back(suspicion_of(q));
  }
  if (with_counts) count_held(db, out);
  return out;
}

std::vector<Suspicion> page_suspicions(Db& db, const Within& within, const std::string& after, std::size_t most) {
  std::vector<Suspicion> out;
  {
    Query q = db.query(SUSPICION_QUERY "JOIN domain d ON d.id = a.domain WHERE a.login > ?1 AND "
                                       "(?2 <> 0 OR a.login = ?4 OR instr(?3, char(10) || d.name || char(10)) > 0) "
                                       "ORDER BY a.login LIMIT ?5",
                       after, within.all, fenced(within.domains), within.login, most);
    while (q.row()) out.push_back(suspicion_of(q));
  }
  count_held(db, out);
  return out;
}

std::optional<Suspicion> get_suspicion(Db& db, Id account) {
  std::vector<Suspicion> found;
  {
    Query q = db.query(SUSPICION_QUERY "WHERE s.account = ?", account);
    if (!q.row()) return {};
    found.push_back(suspicion_of(q));
  }
  count_held(db, found);
  return std::move(found.front());
}

void suspicion_told(Tx& tx, Id account) {
  tx.db.run("UPDATE account_suspicion SET told = 1 WHERE account = ?", account);
}

bool clear_suspicion(Tx& tx, Id account) {
  tx.db.run("DELETE FROM account_suspicion WHERE account = ?", account);
  if (tx.db.changes() == 0) return false;
  // Failures are counted for the day of the submission, so those of yesterday's mail still come in.
  tx.db.run("INSERT INTO counter(account, kind, window_start, value) "
            "SELECT account, kind + ?, window_start, value FROM counter WHERE account = ? AND kind IN (?, ?, ?) AND "
            "window_start >= ? ON CONFLICT(account, kind, window_start) DO UPDATE SET value = excluded.value",
            kForgiven, account, LimitKind::recipients_per_day, LimitKind::new_recipients_per_day, kFailed,
            day_of(tx.now) - kDayMillis);
  return true;
}

void watch_new_recipients(Tx& tx, Id account, std::uint64_t today, std::int64_t now) {
  const TakeoverRules& rules = tx.memory.takeover;
  if (rules.new_recipients == 0 || today <= rules.new_recipients) return;
  const std::int64_t day = day_of(now);
  const std::uint64_t count = counted_since(tx.db, account, row_kind(LimitKind::new_recipients_per_day), day);
  const auto reason = judge_new_recipients(rules, count, usual(tx.db, account, day));
  // An operator who has given the account a bound of its own knows that it writes to many.
  if (!reason || has_own_bound(tx.db, account)) return;
  suspect(tx, account, TakeoverSign::new_recipients, *reason);
}

void FailureCount::add(Tx& tx, const Ulid& message, std::uint32_t index) {
  Query q = tx.db.query("SELECT m.account, m.accepted_at FROM message m JOIN recipient r ON r.message = m.id "
                        "WHERE m.id = ? AND r.n = ? AND m.class = ? AND m.account <> 0 AND r.parent < 0",
                        message, index, MessageClass::submitted);
  if (!q.row()) return;
  const std::int64_t day = day_of(q.i64(1));
  if (day >= day_of(tx.now) - kDayMillis) ++counts_[{q.i64(0), day}];
}

void FailureCount::write(Tx& tx) const {
  for (const auto& [key, count] : counts_) {
    const auto& [account, day] = key;
    tx.db.run("DELETE FROM counter WHERE account = ? AND kind >= ? AND window_start < ?", account, kFailed,
              day_of(tx.now) - kDayMillis);
    tx.db.run("INSERT INTO counter(account, kind, window_start, value) SELECT id, ?, ?, ? FROM account WHERE id = ? "
              "ON CONFLICT(account, kind, window_start) DO UPDATE SET value = counter.value + excluded.value",
              kFailed, day, count, account);
    watch_failures(tx, account, day);
  }
}

std::int64_t kept_from(LimitKind kind, std::int64_t start) {
  if (kind == LimitKind::new_recipients_per_day) return start - kUsualDays * kDayMillis;
  return kind == LimitKind::recipients_per_day ? start - kDayMillis : start;
}

AcceptRequest held_whole(const AcceptRequest& request, HoldKind kind, const std::string& reason) {
  AcceptRequest held = request;
  held.limits = nullptr; // it is charged already
  std::erase_if(held.recipients, [](const NewRecipient& r) { return r.parent >= 0; });
  for (NewRecipient& r : held.recipients) {
    if (r.handling == Handling::held || r.handling == Handling::failed) continue;
    r.handling = Handling::held;
    r.hold = kind;
    r.account = 0;
    r.in_hand = false;
    r.owed = Owed::none;
    r.reason = reason;
  }
  return held;
}

} // namespace paquebot::store::sqlite
