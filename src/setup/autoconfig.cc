#include "setup/autoconfig.h"

#include "mail/address.h"
#include "setup/xml.h"

namespace paquebot::setup {
namespace {

std::string_view socket_type(Security security) { return security == Security::implicit ? "SSL" : "STARTTLS"; }

void write_server(XmlWriter& xml, const ClientSettings& settings, const Offer& offer) {
  const bool incoming = offer.protocol != Protocol::submission;
  const bool imap = offer.protocol == Protocol::imap;
  xml.open(incoming ? "incomingServer" : "outgoingServer", imap       ? "type=\"imap\""
                                                           : incoming ? "type=\"pop3\""
                                                                      : "type=\"smtp\"")
      .leaf("hostname", settings.host)
      .leaf("port", std::to_string(offer.port))
      .leaf("socketType", socket_type(offer.security))
      .leaf("authentication", "password-cleartext") // within TLS
      .leaf("username", "%EMAILADDRESS%")
      .close();
}

} // namespace

std::string domain_of(std::string_view address) {
  if (address.size() > kMaxAsked) return {};
  const auto parsed = mail::parse_address(address);
  if (!parsed || parsed->is_literal()) return {};
  return parsed->domain;
}

std::string autoconfig(const ClientSettings& settings, std::string_view domain) {
  XmlWriter xml(R"(<?xml version="1.0" encoding="UTF-8"?>)");
  xml.open("clientConfig", R"(version="1.1")")
      .open("emailProvider", "id=\"" + xml_escape(domain) + "\"")
      .leaf("domain", domain)
      .leaf("displayName", mail::display_domain(domain))
      .leaf("displayShortName", mail::display_domain(domain));
  for (const Offer& offer : settings.offers) write_server(xml, settings, offer);
  return xml.finish();
}

} // namespace paquebot::setup
