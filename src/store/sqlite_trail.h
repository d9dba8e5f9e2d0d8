#pragma once

#include "base/result.h"
#include "store/sqlite_tx.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

Result<Trace> trace(Db& db, const Ulid& message);

/// One step of a walk back through the messages.
struct TrailPage {
  std::vector<Ulid> found;  ///< newest first
  std::optional<Ulid> next; ///< go on below this one; none: the walk is over
};
/// Looks at a bounded number of messages below `below` and not older than `since`. There is no index of addresses: it
/// would cost every acceptance two random pages, and a walk looks at about a million messages a second.
TrailPage find_messages(Db& db, const std::string& address, std::int64_t since, const std::optional<Ulid>& below);

} // namespace paquebot::store
