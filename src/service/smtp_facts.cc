#include "base/log.h"
#include "base/text.h"
#include "service/smtp_driver.h"
#include "smtp/xclient.h"

#include <algorithm>
#include <utility>

// What an SMTP session knows of its client and of the message under way, as others want to be told.

namespace paquebot::service {

/// What the session refused or let pass by itself: nobody else tells why.
void SmtpConnection::log_remarks() {
  using Kind = smtp::Remark::Kind;
  const std::string account = session_->login().empty() ? std::string() : account_.login;
  for (const smtp::Remark& one : session_->take_remarks()) {
    if (one.kind == Kind::tolerated) {
      log::info("tolerated", {{"client", peer_}, {"account", account}, {"command", one.command}, {"what", one.reply}});
      continue;
    }
    const char* event = one.kind == Kind::command_refused ? "command-refused" : "content-refused";
    log::info(event, {{"client", peer_}, {"account", account}, {"command", one.command}, {"reply", one.reply}});
    if (one.kind == Kind::command_refused)
      note_refused_command(one);
    else
      note_refused_content(one.reply);
  }
}

/// For those who ask afterwards where a mail is that never came in.
void SmtpConnection::note_refusal(std::string from, std::string to, std::string reply) {
  parts_.refusals.add({.at = millis(parts_.intake.clock.wall()),
                       .client = peer_,
                       .account = session_->login().empty() ? std::string() : account_.login,
                       .from = std::move(from),
                       .to = std::move(to),
                       .reply = std::move(reply)});
}

/// MAIL and RCPT, by the address that they name.
void SmtpConnection::note_refused_command(const smtp::Remark& refused) {
  const bool sender = istarts_with(refused.command, "MAIL FROM:");
  const auto open = refused.command.find('<'), close = refused.command.find('>');
  if ((!sender && !istarts_with(refused.command, "RCPT TO:")) || open >= close || close == std::string::npos) return;
  std::string named = refused.command.substr(open + 1, close - open - 1);
  if (sender)
    note_refusal(std::move(named), {}, refused.reply);
  else
    note_refusal(session_->sender().reverse_path.to_string(), std::move(named), refused.reply);
}

/// Whom the content that comes now is for: when it is refused, the session may have forgotten already.
void SmtpConnection::name_recipients() {
  named_.clear();
  for (const mail::Recipient& one : session_->recipients().first(std::min(kMostNamed, session_->recipients().size())))
    named_.push_back(one.address.to_string());
  named_from_ = session_->sender().reverse_path.to_string();
}

void SmtpConnection::note_refused_content(const std::string& reply) {
  for (std::string& to : std::exchange(named_, {})) note_refusal(named_from_, std::move(to), reply);
}

/// One for all, or in LMTP one for each.
void SmtpConnection::note_verdicts(const std::vector<mail::Reply>& verdicts) {
  const auto named = std::exchange(named_, {});
  for (std::size_t i = 0; i < named.size() && !verdicts.empty(); ++i) {
    const mail::Reply& verdict = verdicts[std::min(i, verdicts.size() - 1)];
    if (!verdict.positive()) note_refusal(named_from_, named[i], verdict.to_string());
  }
}

std::string_view SmtpConnection::role_name(smtp::Role role) {
  switch (role) {
    case smtp::Role::mx: return "mx";
    case smtp::Role::submission: return "submission";
    case smtp::Role::lmtp: return "lmtp";
  }
  return "smtp";
}

filter::Client SmtpConnection::filter_client() const {
  filter::Client facts;
  facts.hostname = options_->session->hostname;
  facts.daemon = role_name(options_->session->role);
  facts.address = peer_;
  facts.port = stream_.remote().port;
  if (guard_) facts.name = guard_->name();
  if (const smtp::ToldPeer* told = session_->told()) facts.name = told->name;
  facts.helo = std::string(session_->helo());
  facts.tls_version = tls_.version;
  facts.tls_cipher = tls_.cipher;
  if (!session_->login().empty()) facts.login = account_.login;
  return facts;
}

policy::Client SmtpConnection::client() const {
  policy::Client client;
  client.role = options_->session->role;
  client.address = peer_;
  client.helo = std::string(session_->helo());
  if (options_->session->role == smtp::Role::mx && options_->relay_from.contains(peer_)) {
    client.relay = options_->relay;
    client.device = !options_->checked_devices.contains(peer_);
  }
  client.recipients = named();
  if (session_->login().empty()) return client; // an exchange cancelled at its end is no login
  client.account = account_.id;
  client.login = account_.login;
  return client;
}

/// Recipients of the message under way, as policy::Client counts them.
std::uint32_t SmtpConnection::named() const {
  return session_->login().empty() ? relayed() : static_cast<std::uint32_t>(session_->recipients().size());
}

/// RFC 5321 sections 4.1.3, 4.5.1: an address literal that names where the client connected to is our own name.
bool SmtpConnection::is_here(const std::string& domain) const {
  if (!domain.starts_with('[')) return false;
  const std::string address = stream_.local().address;
  const bool six = address.find(':') != std::string::npos;
  return !address.empty() && iequals(domain, (six ? "[IPv6:" : "[") + address + "]");
}

/// From a network of ours to others: the network was judged when the recipient was.
std::uint32_t SmtpConnection::relayed() const {
  if (account_.id != 0) return 0;
  const auto count = std::ranges::count_if(recipients_, [](const queue::DraftRecipient& recipient) {
    return recipient.nodes.front().route == store::NewRecipient::Route::remote;
  });
  return static_cast<std::uint32_t>(count);
}

intake::Origin SmtpConnection::origin() {
  intake::Origin origin;
  origin.client = client_;
  origin.client.recipients = named();
  origin.klass = account_.id != 0 ? store::MessageClass::submitted
                 : relayed() > 0  ? store::MessageClass::local
                                  : store::MessageClass::incoming;
  origin.sender = session_->sender();
  mail::set_times(origin.sender, mail_at_);
  origin.recipients = std::move(recipients_);
  recipients_.clear();
  origin.returned = std::move(returned_);
  returned_.reset();
  origin.filters = filters_.get();
  origin.directory = &parts_.directory;
  mail::Arrival& arrival = origin.arrival;
  arrival.helo = std::string(session_->helo());
  arrival.peer_ip = peer_;
  if (guard_) {
    arrival.peer_name = guard_->name();
    origin.tags = guard_->tags();
  }
  if (const smtp::ToldPeer* told = session_->told(); told != nullptr && !told->name.empty())
    arrival.peer_name = told->name;
  arrival.extended = session_->extended();
  arrival.lmtp = options_->session->role == smtp::Role::lmtp;
  arrival.tls = session_->encrypted();
  arrival.authenticated = account_.id != 0;
  arrival.smtputf8 = origin.sender.smtputf8;
  arrival.tls_version = tls_.version;
  arrival.tls_cipher = tls_.cipher;
  return origin;
}

} // namespace paquebot::service
