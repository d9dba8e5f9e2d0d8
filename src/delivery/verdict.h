#pragma once

#include "mail/told.h"
#include "queue/queue.h"
#include "store/types.h"

#include <cstdint>

namespace paquebot::delivery {

/// What a reply means for one recipient (RFC 5321 section 4.2.1); pure.
struct VerdictInput {
  const store::MessageFacts* message = nullptr;
  const store::RecipientFacts* recipient = nullptr;
  const mail::Told* told = nullptr;
  bool dsn_handed_on = false;  ///< the peer took over NOTIFY
  bool tell_relayed = false;   ///< a relay is reported unless NOTIFY=NEVER (RFC 2852 section 4.1.4)
  std::int64_t now = 0;        ///< milliseconds of Clock::settled()
  std::int64_t wall = 0;       ///< milliseconds that claims go by: ahead of `now` while the clock is doubted
  std::int64_t retry_at = 0;   ///< when a deferred recipient is due again
  std::int64_t free_since = 0; ///< queue::Suspensions::free_since
  const queue::Schedule* schedule = nullptr;
};

/// The report on time that has run out (RFC 2852 section 4.1.3), for a recipient that waits: mode R fails it
/// with 5.4.7, mode N lets it wait and owes a notice of delay with 4.4.7.
store::Outcome overdue(const store::MessageFacts& message, const store::RecipientFacts& recipient);
/// Mode R, and the time is over: no further attempt may be made.
bool is_overdue(const store::MessageFacts& message, std::int64_t now);

/// When a message is tried again that waits until `at`: at the end of its lifetime for the last time. An end that is
/// over by a clock that is doubted would mean at once, again and again, and does not count.
std::int64_t next_attempt(std::int64_t at, std::int64_t expires_at, std::int64_t wall);

/// 2xx relays, 5xx fails, 4xx waits, unless the message's life is over; and which report that makes us owe.
store::Outcome verdict(const VerdictInput& input);

} // namespace paquebot::delivery
