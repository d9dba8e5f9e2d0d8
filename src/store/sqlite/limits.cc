#include "store/sqlite/limits.h"

#include "base/text.h"
#include "store/sqlite/suspicion.h"
#include "store/types.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kCounterSlice = 500;

/// The bounds that hold for an account: its own where it has one.
Limits effective(Db& db, Id account, Limits general, std::vector<LimitKind>* own = nullptr) {
  Query q = db.query("SELECT kind, value FROM account_limit WHERE account = ?", account);
  while (q.row()) {
    const auto kind = q.as<LimitKind>(0);
    general[kind] = q.u64(1);
    if (own != nullptr) own->push_back(kind);
  }
  return general;
}

std::uint64_t used(Db& db, Id account, LimitKind kind, std::int64_t now) {
  return static_cast<std::uint64_t>(
      db.number("SELECT value FROM counter WHERE account = ? AND kind = ? AND window_start = ?", 0, account, kind,
                window_start(kind, now)));
}

} // namespace

LimitCharge::LimitCharge(Db& db, const AcceptRequest& request) : request_(request) {
  const Limits limits = effective(db, request.account, *request.limits);
  count_recipients(db);
  const std::uint64_t size =
      request.head.size() + (request.body.staged ? request.body.size : request.body.bytes.size());
  for (const LimitKind kind : kLimitKinds) {
    Count count;
    count.hit.kind = kind;
    count.hit.most = limits[kind];
    count.hit.until = window_end(kind, request.accepted_at);
    count.counted = window_of(kind) != 0;
    if (count.counted) count.hit.used = used(db, request.account, kind, request.accepted_at);
    switch (kind) {
      case LimitKind::messages_per_hour:
      case LimitKind::messages_per_day: count.hit.wanted = 1; break;
      case LimitKind::recipients_per_message:
      case LimitKind::recipients_per_day: count.hit.wanted = correspondents_.size(); break;
      case LimitKind::new_recipients_per_day: count.hit.wanted = unknown_.size(); break;
      case LimitKind::bytes_per_day: count.hit.wanted = size; break;
    }
    counts_.push_back(count);
  }
}

/// What an alias of ours expands to is not the sender's doing: only whom it named counts.
void LimitCharge::count_recipients(Db& db) {
  for (const NewRecipient& recipient : request_.recipients)
    if (recipient.parent < 0) correspondents_.push_back(to_lower(recipient.address));
  std::ranges::sort(correspondents_);
  correspondents_.erase(std::ranges::unique(correspondents_).begin(), correspondents_.end());
  for (const std::string& address : correspondents_) {
    if (db.number("SELECT 1 FROM correspondent WHERE account = ? AND address = ?", 0, request_.account, address) == 0)
      unknown_.push_back(address);
  }
}

std::optional<LimitHit> LimitCharge::broken() const {
  for (const Count& count : counts_) {
    const LimitHit& hit = count.hit;
    if (hit.most != 0 && hit.wanted != 0 && hit.used + hit.wanted > hit.most) return hit;
  }
  return std::nullopt;
}

std::vector<LimitHit> LimitCharge::passed() const {
  std::vector<LimitHit> out;
  for (const Count& count : counts_) {
    const LimitHit& hit = count.hit;
    if (!count.counted || hit.most == 0) continue;
    const auto beyond = [&hit](std::uint64_t value) { return value * 100 >= hit.most * kWarnPercent; };
    if (!beyond(hit.used) && beyond(hit.used + hit.wanted)) out.push_back(hit);
  }
  return out;
}

std::uint64_t LimitCharge::first_time() const {
  for (const Count& count : counts_)
    if (count.hit.kind == LimitKind::new_recipients_per_day && count.hit.wanted != 0)
      return count.hit.used + count.hit.wanted;
  return 0;
}

void LimitCharge::write(Tx& tx) const {
  for (const Count& count : counts_) {
    const LimitHit& hit = count.hit;
    if (!count.counted || hit.wanted == 0) continue;
    const std::int64_t start = window_start(hit.kind, request_.accepted_at);
    if (hit.used == 0) // a new window: old ones are of no use any more
      tx.db.run("DELETE FROM counter WHERE account = ? AND kind = ? AND window_start < ?", request_.account, hit.kind,
                kept_from(hit.kind, start));
    tx.db.run("INSERT INTO counter(account, kind, window_start, value) VALUES(?, ?, ?, ?) "
              "ON CONFLICT(account, kind, window_start) DO UPDATE SET value = value + excluded.value",
              request_.account, hit.kind, start, hit.wanted);
  }
  // The day is enough to know whom nobody writes to any more: a frequent correspondent is not written each time.
  const std::int64_t today = window_start(LimitKind::new_recipients_per_day, request_.accepted_at);
  for (const std::string& address : correspondents_)
    tx.db.run("INSERT INTO correspondent(account, address, day) VALUES(?, ?, ?) "
              "ON CONFLICT(account, address) DO UPDATE SET day = excluded.day WHERE day < excluded.day",
              request_.account, address, today);
}

std::vector<LimitUse> limit_use(Db& db, Id account, const Limits& general, std::int64_t now) {
  std::vector<LimitKind> own;
  const Limits limits = effective(db, account, general, &own);
  std::vector<LimitUse> out;
  for (const LimitKind kind : kLimitKinds) {
    LimitUse use;
    use.kind = kind;
    use.most = limits[kind];
    use.own = std::ranges::find(own, kind) != own.end();
    use.until = window_end(kind, now);
    if (window_of(kind) != 0) use.used = used(db, account, kind, now);
    out.push_back(use);
  }
  return out;
}

void set_limit(Tx& tx, Id account, LimitKind kind, std::optional<std::uint64_t> most) {
  if (most)
    tx.db.run("INSERT INTO account_limit(account, kind, value) VALUES(?, ?, ?) "
              "ON CONFLICT(account, kind) DO UPDATE SET value = excluded.value",
              account, kind, *most);
  else
    tx.db.run("DELETE FROM account_limit WHERE account = ? AND kind = ?", account, kind);
}

bool drop_old_counts(Tx& tx, std::int64_t before) {
  tx.db.run("DELETE FROM correspondent WHERE (account, address) IN "
            "(SELECT account, address FROM correspondent WHERE day < ? ORDER BY day LIMIT ?)",
            before, kCounterSlice);
  const bool more = tx.db.changes() == static_cast<std::int64_t>(kCounterSlice);
  tx.db.run("DELETE FROM counter WHERE (account, kind, window_start) IN "
            "(SELECT account, kind, window_start FROM counter WHERE window_start < ? ORDER BY window_start LIMIT ?)",
            before, kCounterSlice);
  return more || tx.db.changes() == static_cast<std::int64_t>(kCounterSlice);
}

} // namespace paquebot::store::sqlite
