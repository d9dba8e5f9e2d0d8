// The transaction of a session: what memory can answer of it at once, and what it holds.

#include "service/smtp_driver.h"

namespace paquebot::service {
namespace {

/// What a recipient, and each address that it expands to, takes, roughly.
constexpr std::uint64_t kRecipientOctets = 512;

} // namespace

void SmtpConnection::begin_transaction() {
  recipients_.clear();
  returned_.reset();
  nodes_ = 0;
  recipient_memory_.reset();
  mail_at_ = parts_.intake.clock.wall();
  client_ = client();
}

// What memory can answer. False: nothing was said, and perform() asks and tells the log.

bool SmtpConnection::mail_at_once(const smtp::AskMail& ask) {
  if (!parts_.intake.store.has_room()) return false;
  begin_transaction();
  std::optional<mail::Reply> reply = parts_.intake.policy.check_sender_now(client_);
  if (!reply || !reply->positive()) return false;
  session_->answer(ask.id, std::move(*reply));
  return true;
}

bool SmtpConnection::recipient_at_once(const smtp::AskRecipient& ask) {
  if (nodes_ >= kMaxExpanded || returned_) return false;
  client_.recipients = named();
  auto verdict = parts_.intake.policy.check_recipient_now(client_, *ask.recipient);
  if (!verdict || !verdict->reply.positive()) return false;
  if (!recipient_memory_.covers(recipient_octets(verdict->nodes.size()))) return false;
  nodes_ += verdict->nodes.size();
  recipients_.push_back({*ask.recipient, std::move(verdict->nodes)});
  session_->answer(ask.id, std::move(verdict->reply));
  return true;
}

/// Of all recipients so far and one more, with so many addresses.
std::uint64_t SmtpConnection::recipient_octets(std::size_t more) const {
  return kRecipientOctets * (recipients_.size() + 1 + nodes_ + more);
}

void SmtpConnection::begin_content() {
  name_recipients();
  incoming_ = std::make_unique<intake::Incoming>(parts_.intake, options_->intake, origin());
  pace_ = Pace(options_->content_pace);
}

bool SmtpConnection::data_at_once(const smtp::AskData& ask) {
  if (!parts_.intake.store.has_room() || intake::asks_about(parts_.intake, options_->intake, peer_)) return false;
  begin_content();
  session_->answer(ask.id, mail::Reply(354, {}, ""));
  return true;
}

} // namespace paquebot::service
