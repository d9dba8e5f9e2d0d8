#include "store/sqlite/limit_charge.h"

#include "store/charge.h"
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

LimitCharge::LimitCharge(Db& db, const AcceptRequest& request)
    : request_(request), correspondents_(named_recipients(request)) {
  const Limits limits = effective(db, request.account, *request.limits);
  const auto is_unknown = [&](const std::string& address) {
    return db.number("SELECT 1 FROM correspondent WHERE account = ? AND address = ?", 0, request.account, address) == 0;
  };
  const auto unknown = static_cast<std::size_t>(std::ranges::count_if(correspondents_, is_unknown));
  for (const LimitKind kind : kLimitKinds) {
    LimitHit hit{.kind = kind, .most = limits[kind], .until = window_end(kind, request.accepted_at)};
    if (window_of(kind) != 0) hit.used = used(db, request.account, kind, request.accepted_at);
    hit.wanted = wanted_of(kind, request, correspondents_.size(), unknown);
    hits_.push_back(hit);
  }
}

std::uint64_t LimitCharge::first_time() const {
  for (const LimitHit& hit : hits_)
    if (hit.kind == LimitKind::new_recipients_per_day && hit.wanted != 0) return hit.used + hit.wanted;
  return 0;
}

void LimitCharge::write(Tx& tx) const {
  for (const LimitHit& hit : hits_) {
    if (window_of(hit.kind) == 0 || hit.wanted == 0) continue;
    const std::int64_t start = window_start(hit.kind, request_.accepted_at);
    if (hit.used == 0) // a new window: old ones are of no use any more
      tx.db.run("DELETE FROM counter WHERE account = ? AND kind = ? AND window_start < ?", request_.account, hit.kind,
                kept_from(hit.kind, start));
    tx.db.run("INSERT INTO counter(account, kind, window_start, value) VALUES(?, ?, ?, ?) "
              "ON CONFLICT(account, kind, window_start) DO UPDATE SET value = counter.value + excluded.value",
              request_.account, hit.kind, start, hit.wanted);
  }
  // The day is enough to know whom nobody writes to any more: a frequent correspondent is not written each time.
  const std::int64_t today = window_start(LimitKind::new_recipients_per_day, request_.accepted_at);
  for (const std::string& address : correspondents_)
    tx.db.run("INSERT INTO correspondent(account, address, day) VALUES(?, ?, ?) "
              "ON CONFLICT(account, address) DO UPDATE SET day = excluded.day WHERE correspondent.day < excluded.day",
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
