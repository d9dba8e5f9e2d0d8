#include "delivery/verdict.h"

#include "mail/bounce_class.h"
#include "queue/owed.h"

#include <algorithm>

namespace paquebot::delivery {

std::int64_t next_attempt(std::int64_t at, std::int64_t expires_at, std::int64_t wall) {
  return expires_at < wall ? at : std::min(at, expires_at);
}

store::Outcome verdict(const VerdictInput& input) {
  const store::MessageFacts& message = *input.message;
  const store::RecipientFacts& recipient = *input.recipient;
  const mail::Told& told = *input.told;
  store::Outcome outcome{.message = message.id, .index = recipient.index, .reply = told};
  if (told.positive()) {
    outcome.to = store::State::relayed;
    // RFC 3461 section 5.2.2: a peer with DSN reports itself, for one without it we do.
    if (!input.dsn_handed_on) outcome.owed = queue::owed_on_success(message.sender, recipient.notify);
    if (input.tell_relayed) outcome.owed = queue::owed_on_relay(message.sender, recipient.notify);
    return outcome;
  }
  bool over = input.now >= message.expires_at;
  outcome.bounce = mail::class_of(told);
  if (told.permanent() || over) { // RFC 5321 sections 4.5.4.1, 6.1: given up, and its sender told
    outcome.to = store::State::failed;
    outcome.owed = queue::owed_on_failure(message.sender, recipient.notify);
    if (!told.permanent()) outcome.bounce = mail::class_at_end(outcome.bounce);
    return outcome;
  }
  outcome.to = store::State::waiting;
  outcome.due = next_attempt(input.retry_at, message.expires_at, input.wall);
  std::int64_t notice = std::chrono::milliseconds(input.schedule->delay_notice).count();
  // The time of a hold is no delay, nor is that of an operator's order, and who said by when it is late (RFC 2852) is
  // told then.
  std::int64_t since = std::max(message.accepted_at, input.free_since);
  if (message.sender.hold.until <= input.now) since = std::max(since, message.sender.hold.until);
  const bool told_then = message.sender.deliver_by.at > input.now;
  if (notice > 0 && !recipient.delay_reported && !told_then && input.now - since >= notice)
    outcome.owed = queue::owed_on_delay(message.sender, recipient.notify);
  return outcome;
}

bool is_overdue(const store::MessageFacts& message, std::int64_t now) {
  const mail::DeliverBy& by = message.sender.deliver_by;
  return by.mode == mail::DeliverBy::Mode::give_back && by.at <= now;
}

store::Outcome overdue(const store::MessageFacts& message, const store::RecipientFacts& recipient) {
  store::Outcome outcome{.message = message.id, .index = recipient.index, .attempted = false, .deadline_met = true};
  const bool back = message.sender.deliver_by.mode == mail::DeliverBy::Mode::give_back;
  if (back) {
    outcome.to = store::State::failed;
    outcome.owed = queue::owed_on_failure(message.sender, recipient.notify);
  } else {
    outcome.due = recipient.due;
    outcome.owed = queue::owed_on_delay(message.sender, recipient.notify);
  }
  outcome.reply = recipient.last_reply; // what the other server said last is still the best that is known
  outcome.bounce = back ? mail::class_at_end(mail::class_of(outcome.reply)) : recipient.bounce;
  outcome.reply.own =
      mail::Reply(back ? 554 : 450, {static_cast<std::uint8_t>(back ? 5 : 4), 4, 7}, "delivery time expired");
  return outcome;
}

} // namespace paquebot::delivery
