// Who speaks: the greeting, HELO, EHLO and LHLO with what we offer, and XCLIENT, by which a trusted filter or proxy
// tells whose session this really is.

#include "mail/timestamp.h"
#include "smtp/server_impl.h"
#include "smtp/xclient.h"

namespace paquebot::smtp {

void ServerSession::Greeting::peer_answered(mail::Reply verdict) {
  if (verdict.positive()) {
    const auto& o = *session_.options;
    return session_.replies.say("220 " + o.hostname + (o.role == Role::lmtp ? " LMTP Paquebot" : " ESMTP Paquebot"));
  }
  session_.replies.say(std::move(verdict), "");
  session_.mode = Impl::Mode::closing;
}

void ServerSession::Greeting::hello(std::string_view arguments, bool extended) {
  const auto name = parse_helo_name(arguments);
  if (!name && !session_.options->lenient) return session_.replies.refuse(name.error());
  asked_helo_ = name ? std::string(*name) : replace_helo_name(arguments, session_.connection.peer_address);
  if (!name) session_.replies.remark(Remark::Kind::tolerated, "no host's name; taken for " + asked_helo_);
  asked_extended_ = extended;
  session_.ask(Impl::Question::helo, AskHelo{0, asked_helo_, extended});
}

void ServerSession::Greeting::answered(mail::Reply verdict) {
  if (!verdict.positive()) return session_.replies.pass_on(std::move(verdict));
  session_.transaction.end(); // RFC 5321 section 4.1.4
  helo_ = asked_helo_;
  extended_ = asked_extended_;
  if (!extended_) return session_.replies.say("250 " + session_.options->hostname);
  say_extensions();
}

void ServerSession::Greeting::say_extensions() {
  const auto& o = *session_.options;
  Replies& replies = session_.replies;
  replies.say("250-" + o.hostname);
  replies.say("250-PIPELINING");
  replies.say(o.max_message_size == 0 ? "250-SIZE" : "250-SIZE " + std::to_string(o.max_message_size));
  replies.say("250-8BITMIME");
  replies.say("250-SMTPUTF8");
  replies.say("250-ENHANCEDSTATUSCODES");
  replies.say("250-DSN");
  replies.say("250-CHUNKING");
  replies.say("250-BINARYMIME");
  say_limits();
  if (o.tls_available && !session_.encrypted) replies.say("250-STARTTLS");
  if (session_.login.offered()) {
    std::string line = "250-AUTH";
    for (const auto name : sasl::server_mechanisms(session_.login.offer())) line.append(" ").append(name);
    replies.say(line);
  }
  if (session_.connection.xclient && o.role != Role::lmtp) replies.say("250-" + std::string(kXclientKeyword));
  say_parameter_extensions();
  replies.say("250 HELP");
}

/// RFC 9422 section 4: one to six digits, no leading zero. There is no limit of domains.
void ServerSession::Greeting::say_limits() {
  std::string line = "250-LIMITS";
  const auto add = [&](std::string_view name, std::uint32_t value) {
    if (value > 0 && value <= 999999) line.append(" ").append(name).append("=").append(std::to_string(value));
  };
  add("MAILMAX", session_.options->max_messages);
  add("RCPTMAX", session_.options->max_recipients);
  if (line.ends_with("S")) return; // nothing to say
  session_.replies.say(line);
}

/// Those of grammar_extensions.h, and ETRN (RFC 1985).
void ServerSession::Greeting::say_parameter_extensions() {
  const auto& o = *session_.options;
  const Offers offers = session_.transaction.offers();
  Replies& replies = session_.replies;
  if (offers.wishes) {
    replies.say("250-DELIVERBY " + std::to_string(o.deliver_by_least));
    replies.say(o.priority_policy.empty() ? "250-MT-PRIORITY" : "250-MT-PRIORITY " + o.priority_policy);
  }
  if (offers.requiretls) replies.say("250-REQUIRETLS"); // RFC 8689 section 2
  if (offers.hold_most > 0) {
    const auto latest = from_millis(offers.hold_from + offers.hold_most * 1000);
    replies.say("250-FUTURERELEASE " + std::to_string(offers.hold_most) + " " + mail::format_timestamp(latest));
  }
  if (session_.etrn_offered()) replies.say("250-ETRN");
}

/// After it the session stands where it stood before the greeting, which comes once more, or a refusal in its place.
/// TLS stays, and so does what was told.
void ServerSession::Greeting::xclient(std::string_view arguments) {
  if (!session_.connection.xclient) return session_.replies.refuse("550 5.7.0 you may not speak for others");
  ToldPeer before;
  if (told_)
    before = *told_;
  else
    before.address = session_.connection.peer_address;
  auto told = parse_xclient(arguments, std::move(before));
  if (!told) return session_.replies.refuse(told.error());
  told_ = std::make_unique<ToldPeer>(std::move(*told));
  session_.forget();
  session_.replies.forgive(); // errors of another peer
  session_.ask(Impl::Question::peer, AskPeer{});
}

void ServerSession::Greeting::forget() {
  helo_.clear();
  extended_ = false;
}

} // namespace paquebot::smtp
