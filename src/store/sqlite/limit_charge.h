#pragma once

#include "store/charge.h"
#include "store/sending_limits.h"
#include "store/sqlite/tx.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// Charges one submission to its account, in the transaction that accepts it.
class LimitCharge {
public:
  /// Reads what the account has used. `request` must outlive it.
  LimitCharge(Db& db, const AcceptRequest& request);
  /// The first bound that the message would break.
  std::optional<LimitHit> broken() const { return first_broken(hits_); }
  /// Bounds of which the message passes the share kWarnPercent.
  std::vector<LimitHit> passed() const { return passed_shares(hits_); }
  /// First-time recipients of the day with those of the message; 0 when it has none.
  std::uint64_t first_time() const;
  /// Counts the message and remembers whom the account wrote to.
  void write(Tx& tx) const;

private:
  const AcceptRequest& request_;
  std::vector<std::string> correspondents_; ///< named_recipients()
  std::vector<LimitHit> hits_;
};

/// What an account has used in the windows of `now`, and the bounds that hold for it beside the general ones.
std::vector<LimitUse> limit_use(Db& db, Id account, const Limits& general, std::int64_t now);
/// Sets the account's own bound (0: none at all), or takes it away.
void set_limit(Tx& tx, Id account, LimitKind kind, std::optional<std::uint64_t> most);
/// Forgets correspondents that nobody wrote to since `before`, and counters of windows that ended before it; a slice.
/// True when there may be more.
bool drop_old_counts(Tx& tx, std::int64_t before);

} // namespace paquebot::store::sqlite
