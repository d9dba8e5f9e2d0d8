// The envelope of a message: MAIL and RCPT (RFC 5321 sections 4.1.1.2 and 4.1.1.3).

#include "smtp/grammar.h"
#include "smtp/server_impl.h"

#include <algorithm>
#include <cassert>

namespace paquebot::smtp {

void ServerSession::Transaction::mail(std::string_view arguments) {
  assert(!open_ && recipients_.empty());
  if (messages_ >= session_.options->max_messages)
    return session_.replies.hang_up("421 4.7.0 too many messages in one session; connect again");
  auto sender = parse_mail(arguments, offers());
  if (!sender) return session_.replies.refuse(sender.error());
  if (!has_brackets(arguments)) session_.replies.remark(Remark::Kind::tolerated, "no angle brackets");
  sender_ = std::move(*sender);
  lowered_ = lower_priority();
  session_.ask(Impl::Question::mail, AskMail{0, &sender_});
}

void ServerSession::Transaction::mail_answered(mail::Reply verdict) {
  if (!verdict.positive()) {
    sender_ = {};
    return session_.replies.pass_on(std::move(verdict));
  }
  open_ = true;
  // RFC 6710 section 4.1: X.3.6, and the new priority first.
  if (lowered_) return session_.replies.say("250 2.3.6 0 is the priority of this message: a higher one needs a login");
  session_.replies.say(std::move(verdict), "250 2.1.0 sender ok");
}

void ServerSession::Transaction::rcpt(std::string_view arguments) {
  Replies& replies = session_.replies;
  const auto& o = *session_.options;
  if (session_.chunks.begun()) return replies.refuse("503 5.5.1 content has come already; RSET ends the transaction");
  // RFC 5321 section 4.5.3.1.10. No error of the peer's: it goes on with the rest in another message.
  if (recipients_.size() >= o.max_recipients) return replies.say("452 4.5.3 too many recipients for one message");
  const bool extended = session_.greeting.extended();
  auto recipient = parse_rcpt(arguments, {.extended = extended, .smtputf8 = sender_.smtputf8, .lenient = o.lenient});
  if (!recipient) return replies.refuse(recipient.error());
  if (!has_brackets(arguments)) replies.remark(Remark::Kind::tolerated, "no angle brackets");
  asked_recipient_ = std::move(*recipient);
  session_.ask(Impl::Question::recipient, AskRecipient{0, &asked_recipient_});
}

void ServerSession::Transaction::recipient_answered(mail::Reply verdict) {
  if (!verdict.positive()) return session_.replies.pass_on(std::move(verdict)); // who guesses addresses ends soon
  assert(open_ && recipients_.size() < session_.options->max_recipients);
  recipients_.push_back(std::move(asked_recipient_));
  session_.replies.say(std::move(verdict), "250 2.1.5 recipient ok");
}

void ServerSession::Transaction::end() {
  session_.content.forget();
  session_.chunks.forget();
  open_ = lowered_ = false;
  sender_ = {};
  recipients_.clear();
}

Offers ServerSession::Transaction::offers() const {
  const auto& o = *session_.options;
  Offers offers{
      .extended = session_.greeting.extended(), .auth = session_.login.offered(), .max_size = o.max_message_size};
  offers.lenient = o.lenient;
  offers.wishes = o.wishes;
  offers.requiretls = o.wishes && session_.encrypted;
  offers.deliver_by_least = o.deliver_by_least;
  // RFC 4865 section 4.2 item 2: on no other port than that for submission.
  offers.hold_most = o.role == Role::submission ? std::min(o.hold_most, mail::kMaxHold) : 0;
  offers.hold_from = session_.connection.wall;
  return offers;
}

/// RFC 6710 section 4.1: nobody whom we do not know may raise the priority of a message.
bool ServerSession::Transaction::lower_priority() {
  if (sender_.priority <= 0 || !session_.login.identity().empty()) return false;
  sender_.priority = 0;
  return true;
}

} // namespace paquebot::smtp
