#include "base/text.h"
#include "store/event.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/suspicion.h"

#include <algorithm>
#include <set>

namespace paquebot::store::sqlite {
namespace {

/// Recipients of which a report was counted before.
std::set<std::uint32_t> returned_before(Db& db, const Ulid& message) {
  std::set<std::uint32_t> indexes;
  for (const std::string& row : load_trail(db, message)) {
    const auto events = unpack_events(row);
    if (!events) continue;
    for (const Event& event : *events)
      if (event.kind == EventKind::returned) indexes.insert(event.recipients.begin(), event.recipients.end());
  }
  return indexes;
}

bool was_sent_by(Db& db, const Ulid& message, Id account) {
  return account != 0 && db.number("SELECT 1 FROM message WHERE id = ? AND account = ? AND class = ?", 0, message,
                                   account, MessageClass::submitted) != 0;
}

/// Whom a report can be about: relayed, and named by the account itself. Where there was only one recipient, the
/// address may be another one (it was forwarded at the other end).
std::vector<std::uint32_t> borne_out(Db& db, const Ulid& message, const std::set<std::string>& addresses) {
  const auto recipients = load_recipients(db, message);
  const auto before = returned_before(db, message);
  const bool only_one = recipients.size() == 1 && addresses.size() == 1;
  std::vector<std::uint32_t> indexes;
  for (const RecipientFacts& r : recipients) {
    if (r.state != State::relayed || r.parent >= 0 || before.contains(r.index)) continue;
    if (only_one || addresses.contains(to_lower(r.address))) indexes.push_back(r.index);
  }
  return indexes;
}

} // namespace

std::size_t note_bounces(Tx& tx, const LateBounces& bounces) {
  const auto message =
      std::ranges::find_if(bounces.about, [&](const Ulid& id) { return was_sent_by(tx.db, id, bounces.account); });
  if (message == bounces.about.end()) return 0;
  const std::set<std::string> addresses(bounces.addresses.begin(), bounces.addresses.end());
  std::vector<std::uint32_t> indexes = borne_out(tx.db, *message, addresses);
  if (indexes.empty()) return 0;
  FailureCount failures;
  for (const std::uint32_t index : indexes) failures.add(tx, *message, index);
  const std::size_t count = indexes.size();
  tell_events(tx, *message, {{tx.now, EventKind::returned, std::move(indexes), bounces.report.to_string(), 1}});
  failures.write(tx);
  return count;
}

} // namespace paquebot::store::sqlite
