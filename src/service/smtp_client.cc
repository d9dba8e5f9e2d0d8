#include "service/smtp_client.h"

#include "base/text.h"
#include "smtp/xclient.h"

#include <algorithm>
#include <utility>

namespace paquebot::service {

SmtpClient::SmtpClient(std::shared_ptr<const SmtpMeans> parts_of_server,
                       std::shared_ptr<const SmtpListenerOptions> of_listener, net::Stream stream)
    : means(std::move(parts_of_server)), options(std::move(of_listener)),
      pump(std::move(stream), net::Pump::Side::server), address(pump.stream().remote().address) {}

std::string_view role_name(smtp::Role role) {
  switch (role) {
    case smtp::Role::mx: return "mx";
    case smtp::Role::submission: return "submission";
    case smtp::Role::lmtp: return "lmtp";
  }
  return "smtp";
}

smtp::ConnectionInfo SmtpClient::connection() const {
  smtp::ConnectionInfo facts{
      .peer_address = address, .encrypted = options->implicit_tls, .xclient = options->xclient_from.contains(address)};
  facts.wall = millis(means->intake.clock.wall());
  facts.mend_bare_lf = in_relay_network() && options->bare_lf_from.contains(address);
  facts.etrn = std::ranges::find(options->etrn_hosts, address) != options->etrn_hosts.end();
  return facts;
}

std::string SmtpClient::login() const { return session->login().empty() ? std::string() : account.login; }

bool SmtpClient::in_relay_network() const {
  return options->session->role == smtp::Role::mx && options->relay_from.contains(address);
}

policy::Client SmtpClient::for_policy() const {
  policy::Client client;
  client.role = options->session->role;
  client.address = address;
  client.helo = std::string(session->helo());
  if (in_relay_network()) {
    client.relay = options->relay;
    client.device = !options->checked_devices.contains(address);
  }
  if (session->login().empty()) return client;
  client.account = account.id;
  client.login = account.login;
  return client;
}

filter::Client SmtpClient::for_filters() const {
  filter::Client facts;
  facts.hostname = options->session->hostname;
  facts.daemon = role_name(options->session->role);
  facts.address = address;
  facts.port = pump.stream().remote().port;
  if (strangers) facts.name = strangers->name();
  if (const smtp::ToldPeer* told = session->told()) facts.name = told->name;
  facts.helo = std::string(session->helo());
  facts.tls_version = tls.version;
  facts.tls_cipher = tls.cipher;
  facts.login = login();
  return facts;
}

mail::Arrival SmtpClient::arrival() const {
  mail::Arrival arrival;
  arrival.helo = std::string(session->helo());
  arrival.peer_ip = address;
  if (strangers) arrival.peer_name = strangers->name();
  if (const smtp::ToldPeer* told = session->told(); told != nullptr && !told->name.empty())
    arrival.peer_name = told->name;
  arrival.extended = session->extended();
  arrival.lmtp = options->session->role == smtp::Role::lmtp;
  arrival.tls = session->encrypted();
  arrival.authenticated = account.id != 0;
  arrival.smtputf8 = session->sender().smtputf8;
  arrival.tls_version = tls.version;
  arrival.tls_cipher = tls.cipher;
  return arrival;
}

mail::Recipient SmtpClient::meant(const mail::Recipient& named) const {
  mail::Recipient recipient = named;
  if (!recipient.address.domain.starts_with('[')) return recipient;
  const std::string here = pump.stream().local().address;
  const bool six = here.find(':') != std::string::npos;
  if (!here.empty() && iequals(recipient.address.domain, (six ? "[IPv6:" : "[") + here + "]"))
    recipient.address.domain = options->session->hostname;
  return recipient;
}

} // namespace paquebot::service
