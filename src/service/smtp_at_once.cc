// The transaction of a session: what memory can answer of it at once, and what it holds.

#include "policy/client_rates.h"
#include "service/smtp_driver.h"

namespace paquebot::service {
namespace {

/// What a recipient, and each address that it expands to, takes, roughly.
constexpr std::uint64_t kRecipientOctets = 512;
/// Octets of recipients that nobody is asked for.
constexpr std::uint64_t kFreeForRecipients = 32u << 10;

} // namespace

/// Strangers of one network share what it may hold; own networks and sockets of this machine are bounded by the whole only. Room
/// for one message with a head and recipients as large as they may be is there for each network.
store::ByteBudget::Whose SmtpConnection::memory_of() const {
  if (options_->session->role != smtp::Role::mx || options_->relay_from.contains(peer_)) return {};
  const std::string address = peer_.substr(0, peer_.find('%')); // a link-local one has its zone behind it
  if (!net::Networks::octets_of(address)) return {};
  const std::uint64_t content = 2 * (store::kMaxHead + store::kBodyChunk);
  const std::uint64_t recipients = kRecipientOctets * (2ull * options_->session->max_recipients + kMaxExpanded);
  return {policy::network_of(address, true), content + recipients};
}

/// Before a transaction: what it and its content will hold is this client's.
void SmtpConnection::share_memory() {
  parts_.intake.memory_of = memory_of();
  recipient_memory_ = store::BudgetShare(parts_.intake.memory, kFreeForRecipients, parts_.intake.memory_of);
}

/// Whatever it was for is gone with it.
void SmtpConnection::end_transaction() {
  std::vector<queue::DraftRecipient>().swap(recipients_); // its room, too
  returned_.reset();
  nodes_ = 0;
  recipient_memory_.reset();
  no_memory_ = false;
}

void SmtpConnection::begin_transaction() {
  end_transaction();
  mail_at_ = parts_.intake.clock.wall();
  client_ = client();
}

// What memory can answer. False: nothing was said, and perform() asks and tells the log.

bool SmtpConnection::mail_at_once(const smtp::AskMail& ask) {
  if (!parts_.intake.store.acceptance().has_room()) return false;
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
  pace_ = Pace(options_->content_pace, options_->pace_window);
}

bool SmtpConnection::data_at_once(const smtp::AskData& ask) {
  if (!parts_.intake.store.acceptance().has_room() || intake::asks_about(parts_.intake, options_->intake, peer_))
    return false;
  begin_content();
  session_->answer(ask.id, mail::Reply(354, {}, ""));
  return true;
}

} // namespace paquebot::service
