#pragma once

#include "store/sqlite/tx.h"

#include <optional>
#include <string>

namespace paquebot::store::sqlite {

inline constexpr std::size_t kExpirySlice = 200; ///< entries looked at in one transaction

/// How far a round over all mailboxes has come.
struct ExpiryRound {
  Id mailbox = 0;        ///< goes on in it,
  std::uint32_t uid = 0; ///< after this entry
  bool thorough = false; ///< looks at every entry
  bool begun = false;
  std::optional<Instant> last_thorough; ///< when the last such round began
};

/// The round behind the mailbox in which it is.
ExpiryRound next_mailbox(ExpiryRound round);

/// What one short read has found.
struct ExpiryPage {
  Id mailbox = 0;               ///< it has an entry to delete, right behind the place in `round`; 0: nothing was found
  bool more = false;            ///< the round is not over
  ExpiryRound round;            ///< how far it is now
  std::optional<Error> trouble; ///< with a mailbox, which was passed over
};

/// Looks for an entry that came before `before`. What came later than a day after `now` was stamped by a clock that was
/// ahead: it is passed over. A mailbox that can't be read holds up nobody else's: the page ends behind it and says so.
ExpiryPage find_expired(Db& db, ExpiryRound round, std::int64_t before, std::int64_t now);

struct ExpirySlice {
  std::size_t removed = 0;
  std::uint32_t last = 0; ///< uid of the last entry looked at
};
/// Deletes what came before `before` among the kExpirySlice entries after `uid`.
ExpirySlice expire_slice(Tx& tx, Id mailbox, std::uint32_t uid, std::int64_t before, const std::string& who);

} // namespace paquebot::store::sqlite
