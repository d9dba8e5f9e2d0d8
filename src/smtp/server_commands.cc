// The handlers of the verbs (verbs.cc), and what follows when their questions are answered.

#include "base/text.h"
#include "smtp/grammar.h"
#include "smtp/server_impl.h"
#include "smtp/verbs.h"

namespace paquebot::smtp {

using Impl = ServerSession::Impl;

// ---- The greeting, HELO, EHLO, LHLO ----

void Impl::peer_answered(mail::Reply verdict) {
  if (verdict.positive()) {
    say("220 " + options_->hostname + (options_->role == Role::lmtp ? " LMTP Paquebot" : " ESMTP Paquebot"));
    return;
  }
  say(std::move(verdict), "");
  mode_ = Mode::closing;
}

void Impl::do_ehlo(std::string_view arguments) { greet(arguments, true); }
void Impl::do_helo(std::string_view arguments) { greet(arguments, false); }

void Impl::greet(std::string_view arguments, bool extended) {
  const auto name = parse_helo_name(arguments);
  if (!name && !options_->lenient) return refuse(name.error());
  asked_helo_ = name ? std::string(*name) : replace_helo_name(arguments, connection_.peer_address);
  if (!name) remark(Remark::Kind::tolerated, "no host's name; taken for " + asked_helo_);
  asked_extended_ = extended;
  ask(Question::helo, AskHelo{0, asked_helo_, extended});
}

void Impl::helo_answered(mail::Reply verdict) {
  if (!verdict.positive()) {
    const bool permanent = verdict.permanent();
    say(std::move(verdict), "");
    if (permanent) after_error(1);
    return;
  }
  end_transaction(); // RFC 5321 section 4.1.4
  helo_ = asked_helo_;
  extended_ = asked_extended_;
  if (!extended_) return say("250 " + options_->hostname);
  say_extensions();
}

void Impl::say_extensions() {
  const auto& o = *options_;
  say("250-" + o.hostname);
  say("250-PIPELINING");
  say(o.max_message_size == 0 ? "250-SIZE" : "250-SIZE " + std::to_string(o.max_message_size));
  say("250-8BITMIME");
  say("250-SMTPUTF8");
  say("250-ENHANCEDSTATUSCODES");
  say("250-DSN");
  say("250-CHUNKING");
  say("250-BINARYMIME");
  say_limits();
  if (o.tls_available && !encrypted_) say("250-STARTTLS");
  if (auth_offered()) {
    std::string line = "250-AUTH";
    for (const auto name : sasl::server_mechanisms(offer())) line.append(" ").append(name);
    say(line);
  }
  if (connection_.xclient && o.role != Role::lmtp) say("250-" + std::string(kXclientKeyword));
  say_parameter_extensions();
  say("250 HELP");
}

/// RFC 9422 section 4: one to six digits, no leading zero. There is no limit of domains.
void Impl::say_limits() {
  std::string line = "250-LIMITS";
  const auto add = [&](std::string_view name, std::uint32_t value) {
    if (value > 0 && value <= 999999) line.append(" ").append(name).append("=").append(std::to_string(value));
  };
  add("MAILMAX", options_->max_messages);
  add("RCPTMAX", options_->max_recipients);
  if (line.ends_with("S")) return; // nothing to say
  say(line);
}

// ---- The transaction ----

void Impl::do_mail(std::string_view arguments) {
  if (messages_ >= options_->max_messages) return hang_up("421 4.7.0 too many messages in one session; connect again");
  auto sender = parse_mail(arguments, mail_offers());
  if (!sender) return refuse(sender.error());
  if (!has_brackets(arguments)) remark(Remark::Kind::tolerated, "no angle brackets");
  sender_ = std::move(*sender);
  lowered_ = lower_priority();
  ask(Question::mail, AskMail{0, &sender_});
}

void Impl::mail_answered(mail::Reply verdict) {
  if (verdict.positive()) {
    transaction_ = true;
    // RFC 6710 section 4.1: X.3.6, and the new priority first.
    if (lowered_) return say("250 2.3.6 0 is the priority of this message: a higher one needs a login");
    return say(std::move(verdict), "250 2.1.0 sender ok");
  }
  sender_ = {};
  const bool permanent = verdict.permanent();
  say(std::move(verdict), "");
  if (permanent) after_error(1);
}

void Impl::do_rcpt(std::string_view arguments) {
  if (chunks_) return refuse("503 5.5.1 content has come already; RSET ends the transaction");
  // RFC 5321 section 4.5.3.1.10. No error of the peer's: it goes on with the rest in another message.
  if (recipients_.size() >= options_->max_recipients) return say("452 4.5.3 too many recipients for one message");
  const Offers offers{.extended = extended_, .smtputf8 = sender_.smtputf8, .lenient = options_->lenient};
  auto recipient = parse_rcpt(arguments, offers);
  if (!recipient) return refuse(recipient.error());
  if (!has_brackets(arguments)) remark(Remark::Kind::tolerated, "no angle brackets");
  asked_recipient_ = std::move(*recipient);
  ask(Question::recipient, AskRecipient{0, &asked_recipient_});
}

void Impl::recipient_answered(mail::Reply verdict) {
  if (verdict.positive()) {
    recipients_.push_back(std::move(asked_recipient_));
    return say(std::move(verdict), "250 2.1.5 recipient ok");
  }
  const bool permanent = verdict.permanent();
  say(std::move(verdict), "");
  if (permanent) after_error(1); // somebody who guesses addresses ends soon
}

void Impl::do_data(std::string_view) {
  said_ = "DATA"; // also of what follows
  if (chunks_) {  // RFC 3030 section 2: never both in one transaction
    fail_chunks({503, {5, 5, 1}, "BDAT and DATA in one transaction"});
    return refuse("503 5.5.1 not after BDAT; RSET ends the transaction");
  }
  if (recipients_.empty()) {
    // RFC 5321 section 3.3 and 2920 section 3.1; LMTP differs (RFC 2033 section 4.2).
    return refuse(options_->role == Role::lmtp ? "503 5.5.1 no valid recipients" : "554 5.5.1 no valid recipients");
  }
  if (sender_.body == mail::BodyType::binary) // RFC 3030 section 3
    return refuse("503 5.6.1 binary content comes by BDAT");
  staged_ = true;
  ask(Question::data, AskData{});
}

// ---- The rest ----

void Impl::do_rset(std::string_view) {
  end_transaction();
  say("250 2.0.0 ok");
}

void Impl::do_noop(std::string_view) { say("250 2.0.0 ok"); }

/// RFC 5321 section 3.5.3: says nothing of who exists.
void Impl::do_vrfy(std::string_view) { say("252 2.1.5 send mail and it will be tried"); }

void Impl::do_help(std::string_view arguments) {
  const Verb* verb = arguments.empty() ? nullptr : find_verb(arguments);
  if (verb != nullptr && !verb->syntax.empty()) return say("214 2.0.0 " + std::string(verb->syntax));
  const auto role = options_->role == Role::lmtp ? kLmtp : kSmtp;
  std::string line = "214 2.0.0 commands:";
  for (const Verb& one : all_verbs()) {
    if (!one.syntax.empty() && (one.roles & role) != 0) line.append(" ").append(one.name);
  }
  say(line);
}

void Impl::do_quit(std::string_view) { part("221 2.0.0 bye"); }

void Impl::do_starttls(std::string_view) {
  if (encrypted_) return refuse("503 5.5.1 TLS is on already");
  if (!options_->tls_available) return refuse("502 5.5.1 TLS is not available");
  say("220 2.0.0 go ahead");
  mode_ = Mode::tls;
  // RFC 3207 section 6: what came in clear behind the command must never be taken for something said under TLS.
  injected_ = injected_ || !input_.empty();
  input_ = {};
}

void Impl::do_not_done(std::string_view) { refuse("502 5.5.1 command not implemented"); }

void Impl::do_foreign(std::string_view) { hang_up("421 4.7.0 this is a mail server"); }

} // namespace paquebot::smtp
