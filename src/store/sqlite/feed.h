#pragma once

#include "store/sqlite/tx.h"

#include <string>
#include <string_view>
#include <vector>

/// What is written into the feed (store/feed.h) by the transactions of the steps that it tells of.
namespace paquebot::store::sqlite {

/// The events of one transaction for one message, if anybody wants them.
void feed_events(Tx& tx, const Ulid& message, const std::vector<Event>& events);
/// What happened before was not written.
void note_gap(Tx& tx);
/// Something that is no message's.
void feed_word(Tx& tx, std::string_view word, const std::string& about, const std::string& detail);
/// add_events(), and the same into the feed.
void tell_events(Tx& tx, const Ulid& message, std::vector<Event> events);

/// The account is gone.
void drop_hooks_of(Tx& tx, Id account);
/// Empty when it is gone.
std::string login_of(Db& db, Id account);
/// True when there may be more to drop.
bool drop_old_feed(Tx& tx, std::int64_t now);

} // namespace paquebot::store::sqlite
