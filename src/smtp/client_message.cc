// One message: envelope, content, results.

#include "base/encoding.h"
#include "base/text.h"
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

} // namespace

bool needs_smtputf8(const OutgoingMessage& message) {
  return message.international_header || message.sender.reverse_path.international() ||
         std::ranges::any_of(message.recipients, [](const auto& one) { return one.address.international(); });
}

using Client = ClientSession::Impl;

void Client::send(OutgoingMessage message) {
  assert(phase_ == Phase::ready);
  if (phase_ != Phase::ready) return;
  message_ = std::move(message);
  results_.assign(message_.recipients.size(), {});
  settled_.assign(message_.recipients.size(), Settled::unsent);
  states_.assign(message_.recipients.size(), RecipientState::waiting);
  next_recipient_ = accepted_ = 0;
  mail_sent_ = data_sent_ = go_ahead_ = in_doubt_ = false;
  refusal_ = final_reply_ = {};
  chunks_ = wants_chunks();
  chunk_.clear();
  encoder_ = DotEncoder(!chunks_);
  phase_ = Phase::envelope;
  refuse_unsendable();
}

/// What this peer can't get is settled without asking it.
void Client::refuse_unsendable() {
  const auto& f = features_;
  if (f.max_size != 0 && message_.size > f.max_size) { // RFC 1870 section 6.1
    settle_rest({552,
                 {5, 3, 4},
                 "the message is larger than the other server takes (" + std::to_string(f.max_size) + " octets)"},
                Settled::unsent);
  } else if (message_.sender.body == mail::BodyType::binary && !(f.chunking && f.binary)) {
    settle_rest({554, {5, 6, 3}, "the other server does not take binary mail"}, Settled::unsent); // RFC 3030 section 3
  } else if (!f.smtputf8 && (message_.international_header || message_.sender.reverse_path.international())) {
    settle_rest({550, {5, 6, 7}, "the other server does not take internationalised mail"}, // RFC 6531 section 3.2
                Settled::unsent);
  } else if (holds_control(message_.sender.reverse_path.to_string())) {
    settle_rest({550, {5, 1, 7}, "the sender's address can't be sent"}, Settled::unsent);
  }
  mail::Reply why;
  if (lacks_extension(why)) settle_rest(why, Settled::unsent);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != RecipientState::waiting || !unsendable(message_.recipients[i], why)) continue;
    settle(i, why, Settled::unsent);
  }
  const bool nobody = std::ranges::all_of(states_, [](auto state) { return state == RecipientState::settled; });
  if (nobody) message_done();
}

bool Client::unsendable(const mail::Recipient& recipient, mail::Reply& why) const {
  if (holds_control(recipient.address.to_string())) {
    why = {550, {5, 1, 3}, "the recipient's address can't be sent"};
    return true;
  }
  if (!features_.smtputf8 && recipient.address.international()) {
    why = {550, {5, 6, 7}, "the other server does not take internationalised addresses"};
    return true;
  }
  return false;
}

// ---- The envelope ----

/// Everything sent was answered: what now?
void Client::advance() {
  if (refusal_.code != 0 && !data_sent_) { // MAIL was refused, and DATA is not on its way
    settle_rest(refusal_, refused_);
    return message_done();
  }
  if (!data_sent_ && chunks_ && envelope_over()) {
    if (accepted_ == 0) return message_done();
    data_sent_ = true;
    phase_ = Phase::content;
    return;
  }
  if (!data_sent_) return send_group();
  if (go_ahead_ && accepted_ > 0 && refusal_.code == 0) {
    phase_ = Phase::content;
    return;
  }
  if (go_ahead_) {
    // RFC 2920 section 3.1: 354 though nobody was accepted; an empty message gets out of it.
    go_ahead_ = false;
    if (refusal_.code != 0) settle_rest(refusal_, refused_);
    return command(Command::empty_final, ".");
  }
  settle_rest(refusal_, refused_);
  message_done();
}

/// Sends as many commands as may be in flight at once.
void Client::send_group() {
  while (send_one() && features_.pipelining && out_.size() < kGroupOctets) {
  }
  if (out_.empty()) message_done(); // nobody was accepted
}

/// The next command of the envelope; false when nothing may follow it.
bool Client::send_one() {
  if (transaction_ && !mail_sent_) {
    transaction_ = false;
    command(Command::rset, "RSET");
    return true;
  }
  if (!mail_sent_) {
    mail_sent_ = true;
    command(Command::mail, mail_line());
    return true;
  }
  while (next_recipient_ < states_.size() && states_[next_recipient_] != RecipientState::waiting) ++next_recipient_;
  if (next_recipient_ < states_.size()) {
    const std::size_t index = next_recipient_++;
    command(Command::rcpt, rcpt_line(message_.recipients[index]), index);
    return true;
  }
  if (chunks_) return false;
  const bool answers_open = !expected_.empty();
  if (answers_open || accepted_ > 0) {
    data_sent_ = true;
    command(Command::data, "DATA");
  }
  return false;
}

std::string Client::mail_line() const {
  const auto& s = message_.sender;
  std::string line = "MAIL FROM:<" + s.reverse_path.to_string() + ">";
  if (features_.size && message_.size > 0) line += " SIZE=" + std::to_string(message_.size);
  if (features_.eight_bit && s.body == mail::BodyType::eight_bit) line += " BODY=8BITMIME";
  if (s.body == mail::BodyType::binary) line += " BODY=BINARYMIME";
  if (features_.smtputf8 && (s.smtputf8 || needs_smtputf8(message_))) line += " SMTPUTF8";
  if (features_.dsn) {
    if (s.ret != mail::Ret::unspecified) line += s.ret == mail::Ret::full ? " RET=FULL" : " RET=HDRS";
    if (!s.envid.empty()) line += " ENVID=" + xtext_encode(s.envid);
  }
  line += extension_parameters();
  return line;
}

std::string Client::rcpt_line(const mail::Recipient& recipient) const {
  std::string line = "RCPT TO:<" + recipient.address.to_string() + ">";
  if (!features_.dsn) return line;
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

void Client::on_mail(mail::Reply reply) {
  if (reply.code / 100 != 2) {
    refused_ = Settled::mail;
    refusal_ =
        reply.code / 100 == 3 ? mail::Reply{450, {4, 5, 0}, "the other server broke the protocol"} : std::move(reply);
  } else {
    transaction_ = true;
  }
}

void Client::on_rcpt(std::size_t index, mail::Reply reply) {
  // Behind a refused MAIL every RCPT is refused as well; what counts is the reply to MAIL.
  if (refusal_.code != 0) return;
  if (reply.code / 100 == 3) return malformed("a go-ahead to RCPT");
  if (reply.code / 100 != 2) return settle(index, std::move(reply), Settled::rcpt);
  states_[index] = RecipientState::accepted;
  ++accepted_;
}

void Client::on_data(mail::Reply reply) {
  go_ahead_ = reply.code / 100 == 3;
  if (go_ahead_) return;
  if (reply.code / 100 == 2) return malformed("DATA was answered without a go-ahead");
  if (refusal_.code != 0) return;
  refusal_ = std::move(reply);
  refused_ = Settled::data;
}

// ---- The content ----

void Client::content(std::string_view bytes) {
  if (chunks_) return add_to_chunk(bytes);
  encoder_.encode(bytes, out_);
}

void Client::end_content() {
  if (phase_ != Phase::content) return;
  if (!chunks_) {
    encoder_.finish(out_);
  } else {
    if (message_.sender.body != mail::BodyType::binary) encoder_.finish(chunk_);
    send_chunk(true);
  }
  phase_ = Phase::final;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != RecipientState::accepted) continue;
    expected_.push_back({Command::final, i});
    if (!options_.lmtp) break; // one reply for all
  }
}

void Client::on_final(std::size_t index, mail::Reply reply) {
  if (reply.code / 100 == 3) return malformed("a go-ahead at the end of the content");
  if (refusal_.code == 0) final_reply_ = reply;
  if (options_.lmtp) { // RFC 2033 section 4.2
    if (refusal_.code == 0) settle(index, std::move(reply), Settled::content);
  } else {
    settle_rest(reply, Settled::content);
  }
  if (!expected_.empty()) return;
  transaction_ = refusal_.code != 0; // RFC 3030 section 2: RSET behind a chunk that was refused
  message_done();
}

// ---- The end ----

void Client::settle(std::size_t index, mail::Reply reply, Settled what) {
  states_[index] = RecipientState::settled;
  settled_[index] = what;
  results_[index] = shortened(std::move(reply));
}

/// Whoever was not refused yet gets `reply`.
void Client::settle_rest(const mail::Reply& reply, Settled what) {
  for (std::size_t i = 0; i < states_.size(); ++i)
    if (states_[i] != RecipientState::settled) settle(i, reply, what);
}

void Client::message_done() {
  phase_ = Phase::ready;
  done_ = true;
}

} // namespace paquebot::smtp
