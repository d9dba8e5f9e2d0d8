// One message: envelope, content, results.

#include "base/encoding.h"
#include "base/text.h"
#include "smtp/client_extensions.h"
#include "smtp/client_impl.h"
#include "smtp/orcpt.h"

#include <algorithm>
#include <cassert>

namespace paquebot::smtp {
namespace {

/// Octets of commands in flight without a reply read. So much, and the replies to it, fits the buffers of any two
/// systems: neither side waits for the other for ever (RFC 2920 section 3.1).
constexpr std::size_t kGroupOctets = 8 * 1024;
/// Octets of text kept for each recipient.
constexpr std::size_t kMaxResultText = 1024;

bool holds_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
}

mail::Reply shortened(mail::Reply reply) {
  if (reply.text.size() <= kMaxResultText) return reply;
  std::size_t length = kMaxResultText;
  while (length > 0 && (static_cast<unsigned char>(reply.text[length]) & 0xC0) == 0x80)
    --length; // not within a character
  reply.text.resize(length);
  return reply;
}

bool unsendable(const mail::Recipient& recipient, const PeerFeatures& features, mail::Reply& why) {
  if (holds_control(recipient.address.to_string())) {
    why = {550, {5, 1, 3}, "the recipient's address can't be sent"};
    return true;
  }
  if (!features.smtputf8 && recipient.address.international()) {
    why = {550, {5, 6, 7}, "the other server does not take internationalised addresses"};
    return true;
  }
  return false;
}

/// RFC 3461 sections 5.2.1 (a), (b) and 5.2.2 (a): RET and ENVID as they came, and none to a peer without DSN.
std::string mail_line(const OutgoingMessage& message, const PeerFeatures& features, bool encrypted) {
  const auto& s = message.sender;
  std::string line = "MAIL FROM:<" + s.reverse_path.to_string() + ">";
  if (features.size && message.size > 0) line += " SIZE=" + std::to_string(message.size);
  if (features.eight_bit && s.body == mail::BodyType::eight_bit) line += " BODY=8BITMIME";
  if (s.body == mail::BodyType::binary) line += " BODY=BINARYMIME";
  if (features.smtputf8 && (s.smtputf8 || needs_smtputf8(message))) line += " SMTPUTF8";
  if (features.dsn) {
    if (s.ret != mail::Ret::unspecified) line += s.ret == mail::Ret::full ? " RET=FULL" : " RET=HDRS";
    if (!s.envid.empty()) line += " ENVID=" + xtext_encode(s.envid);
  }
  line += extension_parameters(s, features, encrypted);
  return line;
}

/// Sections 5.2.1 (c), (d) and 5.2.2 (a): NOTIFY as it came, ORCPT octet by octet.
std::string rcpt_line(const mail::Recipient& recipient, const PeerFeatures& features) {
  std::string line = "RCPT TO:<" + recipient.address.to_string() + ">";
  if (!features.dsn) return line;
  if ((recipient.notify & mail::kNotifyNever) != 0) {
    line += " NOTIFY=NEVER";
  } else if (recipient.notify != mail::kNotifyUnspecified) {
    std::string words;
    if ((recipient.notify & mail::kNotifySuccess) != 0) words += ",SUCCESS";
    if ((recipient.notify & mail::kNotifyFailure) != 0) words += ",FAILURE";
    if ((recipient.notify & mail::kNotifyDelay) != 0) words += ",DELAY";
    line += " NOTIFY=" + words.substr(1);
  }
  const std::string orcpt = recipient.orcpt.empty() ? "" : encode_orcpt(recipient.orcpt);
  if (!orcpt.empty() && orcpt.size() <= kMaxOrcpt) line += " ORCPT=" + orcpt;
  return line;
}

} // namespace

bool needs_smtputf8(const OutgoingMessage& message) {
  return message.international_header || message.sender.reverse_path.international() ||
         std::ranges::any_of(message.recipients, [](const auto& one) { return one.address.international(); });
}

void ClientSession::Message::send(OutgoingMessage message) {
  assert(session_.phase == Impl::Phase::ready);
  if (session_.phase != Impl::Phase::ready) return;
  outgoing_ = std::move(message);
  results_.assign(outgoing_.recipients.size(), {});
  settled_.assign(outgoing_.recipients.size(), Settled::unsent);
  states_.assign(outgoing_.recipients.size(), RecipientState::waiting);
  next_recipient_ = accepted_ = 0;
  mail_sent_ = data_sent_ = go_ahead_ = in_doubt_ = false;
  refusal_ = final_reply_ = {};
  session_.content.begin();
  session_.phase = Impl::Phase::envelope;
  refuse_unsendable();
}

/// What this peer can't get is settled without asking it.
void ClientSession::Message::refuse_unsendable() {
  const auto& f = session_.setup.features();
  if (f.max_size != 0 && outgoing_.size > f.max_size) { // RFC 1870 section 6.1
    settle_rest({552,
                 {5, 3, 4},
                 "the message is larger than the other server takes (" + std::to_string(f.max_size) + " octets)"},
                Settled::unsent);
  } else if (outgoing_.sender.body == mail::BodyType::binary && !(f.chunking && f.binary)) {
    settle_rest({554, {5, 6, 3}, "the other server does not take binary mail"}, Settled::unsent); // RFC 3030 section 3
  } else if (!f.smtputf8 && (outgoing_.international_header || outgoing_.sender.reverse_path.international())) {
    settle_rest({550, {5, 6, 7}, "the other server does not take internationalised mail"}, // RFC 6531 section 3.2
                Settled::unsent);
  } else if (holds_control(outgoing_.sender.reverse_path.to_string())) {
    settle_rest({550, {5, 1, 7}, "the sender's address can't be sent"}, Settled::unsent);
  }
  mail::Reply why;
  if (lacks_extension(outgoing_.sender, f, session_.encrypted, why)) settle_rest(why, Settled::unsent);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != RecipientState::waiting || !unsendable(outgoing_.recipients[i], f, why)) continue;
    settle(i, why, Settled::unsent);
  }
  const bool nobody = std::ranges::all_of(states_, [](auto state) { return state == RecipientState::settled; });
  if (nobody) finish();
}

// ---- The envelope ----

/// Everything sent was answered: what now?
void ClientSession::Message::advance() {
  if (refusal_.code != 0 && !data_sent_) { // MAIL was refused, and DATA is not on its way
    settle_rest(refusal_, refused_);
    return finish();
  }
  if (!data_sent_ && session_.content.in_chunks() && mail_sent_ && recipients_said()) {
    if (accepted_ == 0) return finish();
    data_sent_ = true;
    session_.phase = Impl::Phase::content;
    return;
  }
  if (!data_sent_) return send_group();
  if (go_ahead_ && accepted_ > 0 && refusal_.code == 0) {
    session_.phase = Impl::Phase::content;
    return;
  }
  if (go_ahead_) {
    // RFC 2920 section 3.1: 354 though nobody was accepted; an empty message gets out of it.
    go_ahead_ = false;
    if (refusal_.code != 0) settle_rest(refusal_, refused_);
    return session_.command(Impl::Command::empty_final, ".");
  }
  settle_rest(refusal_, refused_);
  finish();
}

/// Sends as many commands as may be in flight at once.
void ClientSession::Message::send_group() {
  while (send_one() && session_.setup.features().pipelining && session_.out.size() < kGroupOctets) {
  }
  if (session_.out.empty()) finish(); // nobody was accepted
}

/// The next command of the envelope; false when nothing may follow it.
bool ClientSession::Message::send_one() {
  if (transaction_ && !mail_sent_) {
    transaction_ = false;
    session_.command(Impl::Command::rset, "RSET");
    return true;
  }
  if (!mail_sent_) {
    mail_sent_ = true;
    session_.command(Impl::Command::mail, mail_line(outgoing_, session_.setup.features(), session_.encrypted));
    return true;
  }
  if (!recipients_said()) {
    const std::size_t index = next_recipient_++;
    session_.command(Impl::Command::rcpt, rcpt_line(outgoing_.recipients[index], session_.setup.features()), index);
    return true;
  }
  if (session_.content.in_chunks()) return false;
  const bool answers_open = !session_.expected.empty();
  if (answers_open || accepted_ > 0) {
    data_sent_ = true;
    session_.command(Impl::Command::data, "DATA");
  }
  return false;
}

/// Steps over the recipients that need no RCPT; true when none is left.
bool ClientSession::Message::recipients_said() {
  while (next_recipient_ < states_.size() && states_[next_recipient_] != RecipientState::waiting) ++next_recipient_;
  return next_recipient_ == states_.size();
}

void ClientSession::Message::on_mail(mail::Reply reply) {
  if (reply.code / 100 != 2) {
    refused_ = Settled::mail;
    refusal_ =
        reply.code / 100 == 3 ? mail::Reply{450, {4, 5, 0}, "the other server broke the protocol"} : std::move(reply);
  } else {
    transaction_ = true;
  }
}

void ClientSession::Message::on_rcpt(std::size_t index, mail::Reply reply) {
  // Behind a refused MAIL every RCPT is refused as well; what counts is the reply to MAIL.
  if (refusal_.code != 0) return;
  if (reply.code / 100 == 3) return session_.malformed("a go-ahead to RCPT");
  if (reply.code / 100 != 2) return settle(index, std::move(reply), Settled::rcpt);
  states_[index] = RecipientState::accepted;
  ++accepted_;
}

void ClientSession::Message::on_data(mail::Reply reply) {
  go_ahead_ = reply.code / 100 == 3;
  if (go_ahead_) return;
  if (reply.code / 100 == 2) return session_.malformed("DATA was answered without a go-ahead");
  if (refusal_.code != 0) return;
  refusal_ = std::move(reply);
  refused_ = Settled::data;
}

// ---- The end of the content ----

void ClientSession::Message::await_final() {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != RecipientState::accepted) continue;
    session_.expected.push_back({Impl::Command::final, i});
    if (!session_.options.lmtp) break; // one reply for all
  }
}

void ClientSession::Message::on_final(std::size_t index, mail::Reply reply) {
  if (reply.code / 100 == 3) return session_.malformed("a go-ahead at the end of the content");
  if (refusal_.code == 0) final_reply_ = reply;
  if (session_.options.lmtp) { // RFC 2033 section 4.2
    if (refusal_.code == 0) settle(index, std::move(reply), Settled::content);
  } else {
    settle_rest(reply, Settled::content);
  }
  if (!session_.expected.empty()) return;
  transaction_ = refusal_.code != 0; // RFC 3030 section 2: RSET behind a chunk that was refused
  finish();
}

void ClientSession::Message::on_refused_chunk(mail::Reply reply) {
  settle_rest(reply, Settled::content);
  final_reply_ = reply;
  refusal_ = std::move(reply);
  refused_ = Settled::content;
}

void ClientSession::Message::on_early_refusal(const mail::Reply& reply) {
  final_reply_ = reply;
  if (reply.code != 421) settle_rest(reply, Settled::content);
}

// ---- The end ----

void ClientSession::Message::settle(std::size_t index, mail::Reply reply, Settled what) {
  assert(index < states_.size() && states_[index] != RecipientState::settled && "each is settled once");
  states_[index] = RecipientState::settled;
  settled_[index] = what;
  results_[index] = shortened(std::move(reply));
}

/// Whoever was not refused yet gets `reply`.
void ClientSession::Message::settle_rest(const mail::Reply& reply, Settled what) {
  for (std::size_t i = 0; i < states_.size(); ++i)
    if (states_[i] != RecipientState::settled) settle(i, reply, what);
}

void ClientSession::Message::on_end(const mail::Reply& reply) {
  settle_rest(reply, Settled::broken);
  done_ = true;
}

/// RFC 5321 section 4.5.3.2.6: without the final reply nobody knows whether the message was taken.
void ClientSession::Message::note_doubt() { in_doubt_ = session_.phase == Impl::Phase::final && !refused(); }

void ClientSession::Message::finish() {
  assert(session_.expected.empty() && "every command was answered");
  session_.phase = Impl::Phase::ready;
  done_ = true;
}

} // namespace paquebot::smtp
