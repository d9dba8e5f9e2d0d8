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
  if (notice > 0 && !recipient.delay_reported && input.now - message.accepted_at >= notice)
    outcome.owed = queue::owed_on_delay(message.sender, recipient.notify);
  return outcome;
}

} // namespace paquebot::delivery
