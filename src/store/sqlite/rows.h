#pragma once

#include "store/sqlite/tx.h"

#include <optional>
#include <vector>

/// Reading and writing of message, recipient, event and destination rows, for all who need them.
namespace paquebot::store::sqlite {

std::optional<MessageFacts> load_message(Db& db, const Ulid& id);
std::optional<RecipientFacts> load_recipient(Db& db, const Ulid& message, std::uint32_t index);
/// All of them, by index.
std::vector<RecipientFacts> load_recipients(Db& db, const Ulid& message);

/// Held, waiting or in hand: still to be brought to an end.
inline bool is_unfinished(State state) {
  return state == State::held || state == State::waiting || state == State::in_hand;
}
/// The recipient needs the queue's content: unfinished, or owing a report that quotes it.
inline bool is_pending(State state, Owed owed) { return is_unfinished(state) || owed != Owed::none; }

/// "5.1.1", or nothing where there is none.
std::string to_column(const mail::EnhancedCode& status);

/// Adds to the number of pending recipients of a message; at 0 the queue lets go of the content.
void change_pending(Db& db, const Ulid& message, std::int64_t by);

/// The packed events (event.h) of each transaction, in their order.
std::vector<std::string> load_trail(Db& db, const Ulid& message);

/// Writes the events of one transaction as the message's next row; nothing when its trail is gone. A single deferral
/// that repeats the last row, of the same recipients, is counted there instead.
void add_events(Db& db, const Ulid& message, std::vector<Event> events);

/// The first id that a message accepted at `ms` can have (Ulid: 48 bits of milliseconds come first).
Ulid first_ulid_of(std::int64_t ms);

/// The row of a destination, made when there is none. `key` is never empty.
Id destination_id(Tx& tx, const std::string& key);

} // namespace paquebot::store::sqlite
