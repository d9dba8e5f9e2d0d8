#include "store/sqlite/feed.h"

#include "store/event.h"
#include "store/sqlite/rows.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kFeedRows = 5000; // dropped in one transaction

/// What somebody is told of; the rest is for the trail alone.
bool is_told(EventKind kind) {
  switch (kind) {
    case EventKind::accepted:
    case EventKind::delivered:
    case EventKind::expanded:
    case EventKind::relayed:
    case EventKind::deferred:
    case EventKind::failed:
    case EventKind::held:
    case EventKind::released:
    case EventKind::dropped:
    case EventKind::suppressed:
    case EventKind::complained:
    case EventKind::returned: return true;
    case EventKind::warned:
    case EventKind::reported:
    case EventKind::retrieved:
    case EventKind::removed: break;
  }
  return false;
}

/// Whether somebody wants what happens now. The first row after a while in which nobody did says so.
bool is_wanted(Tx& tx) {
  FeedState& feed = tx.memory.feed;
  const bool wanted = feed.hooks || tx.now < feed.watched_until;
  if (wanted && !feed.unbroken) note_gap(tx);
  feed.unbroken = wanted;
  return wanted;
}

} // namespace

void note_gap(Tx& tx) {
  tx.memory.feed.last =
      tx.db.number("INSERT INTO feed(at, word) VALUES(?, ?) RETURNING id", 0, tx.now, std::string_view(kFeedGap));
  tx.memory.feed.gap = tx.memory.feed.last;
}

void feed_events(Tx& tx, const Ulid& message, const std::vector<Event>& events) {
  if (!is_wanted(tx)) return;
  std::vector<Event> told;
  for (const Event& event : events)
    if (is_told(event.kind)) told.push_back(event);
  if (told.empty()) return;
  for (Event& event : told) std::ranges::sort(event.recipients);
  const std::string packed = pack_events(told, tx.db.node());
  tx.memory.feed.last = tx.db.number("INSERT INTO feed(at, message, events) VALUES(?, ?, ?) RETURNING id", 0, tx.now,
                                     message, Blob{packed});
}

void feed_word(Tx& tx, std::string_view word, const std::string& about, const std::string& detail) {
  if (!is_wanted(tx)) return;
  tx.memory.feed.last = tx.db.number("INSERT INTO feed(at, word, about, detail) VALUES(?, ?, ?, ?) RETURNING id", 0,
                                     tx.now, word, about, std::string_view(detail).substr(0, kMaxEventDetail));
}

void tell_events(Tx& tx, const Ulid& message, std::vector<Event> events) {
  feed_events(tx, message, events);
  add_events(tx.db, message, std::move(events));
}

void drop_hooks_of(Tx& tx, Id account) {
  tx.db.run("DELETE FROM hook WHERE account = ?", account);
  tx.memory.feed.hooks = tx.db.number("SELECT 1 FROM hook LIMIT 1", 0) != 0;
}

std::string login_of(Db& db, Id account) {
  Query q = db.query("SELECT login FROM account WHERE id = ?", account);
  return q.row() ? q.text(0) : std::string();
}

bool drop_old_feed(Tx& tx, std::int64_t now) {
  const std::int64_t kept = tx.memory.feed.hooks ? kKeepFeed : kKeepWatched;
  // Rows are in the order of their transactions, but a clock may have been set back.
  tx.db.run("DELETE FROM feed WHERE id IN (SELECT id FROM feed ORDER BY id LIMIT ?2) AND at < ?1", now - kept,
            kFeedRows);
  return tx.db.changes() == static_cast<std::int64_t>(kFeedRows);
}

} // namespace paquebot::store::sqlite
