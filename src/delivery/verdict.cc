#include "delivery/verdict.h"

#include "base/text.h"
#include "queue/owed.h"

#include <algorithm>

namespace paquebot::delivery {
namespace {

constexpr std::string_view kSaid = " said: ";

} // namespace

std::string write_told(const std::string& host, const mail::Reply& reply) {
  std::string text = reply.to_string();
  return host.empty() ? text : host + std::string(kSaid) + text;
}

Told read_told(std::string_view text) {
  Told told;
  auto said = text.find(kSaid);
  if (said != std::string_view::npos) {
    told.host = std::string(text.substr(0, said));
    text.remove_prefix(said + kSaid.size());
  }
  auto code = text.size() >= 3 ? parse_u64(text.substr(0, 3)) : std::nullopt;
  if (!code || *code < 200 || *code > 599) {
    told.reply.text = std::string(text);
    return told;
  }
  told.reply.code = static_cast<std::uint16_t>(*code);
  text = trim(text.substr(3));
  if (auto enhanced = mail::EnhancedCode::parse(text)) {
    told.reply.enhanced = *enhanced;
    text = trim(text.substr(enhanced->to_string().size()));
  }
  told.reply.text = std::string(text);
  return told;
}

store::Outcome verdict(const VerdictInput& input) {
  const store::MessageFacts& message = *input.message;
  const store::RecipientFacts& recipient = *input.recipient;
  store::Outcome outcome{
      .message = message.id, .index = recipient.index, .reply = write_told(input.host, *input.reply)};
  if (input.reply->positive()) {
    outcome.to = store::State::relayed;
    if (!input.dsn_handed_on) outcome.owed = queue::owed_on_success(message.sender, recipient.notify);
    if (input.tell_relayed) outcome.owed = queue::owed_on_relay(message.sender, recipient.notify);
    return outcome;
  }
  bool over = input.now >= message.expires_at;
  if (input.reply->permanent() || over) {
    outcome.to = store::State::failed;
    outcome.owed = queue::owed_on_failure(message.sender, recipient.notify);
    return outcome;
  }
  outcome.to = store::State::waiting;
  outcome.due = std::min(input.retry_at, message.expires_at);
  std::int64_t notice = std::chrono::milliseconds(input.schedule->delay_notice).count();
  // The time of a hold is no delay, and who said by when it is late (RFC 2852) is told then.
  const std::int64_t since = message.sender.hold.until <= input.now
                                 ? std::max(message.accepted_at, message.sender.hold.until)
                                 : message.accepted_at;
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
  const Told last = read_told(recipient.last_reply);
  std::string why = "delivery time expired";
  if (last.reply.code != 0)
    why += "; the last answer was " + (last.host.empty() ? "" : last.host + ": ") + last.reply.to_string();
  if (back) {
    outcome.to = store::State::failed;
    outcome.owed = queue::owed_on_failure(message.sender, recipient.notify);
  } else {
    outcome.due = recipient.due;
    outcome.owed = queue::owed_on_delay(message.sender, recipient.notify);
  }
  const mail::Reply reply(back ? 554 : 450, {static_cast<std::uint8_t>(back ? 5 : 4), 4, 7}, std::move(why));
  outcome.reply = reply.to_string();
  return outcome;
}

} // namespace paquebot::delivery
