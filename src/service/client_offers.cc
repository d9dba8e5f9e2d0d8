#include "service/client_offers.h"

namespace paquebot::service {
namespace {

/// With TLS from the first octet, or after a command; nothing without.
template <class Options>
std::optional<setup::Security> security_of(const Options& options) {
  if (options.tls == nullptr) return {};
  if (options.implicit_tls) return setup::Security::implicit;
  if (options.session->tls_available) return setup::Security::starttls;
  return {};
}

} // namespace

bool is_loopback(std::string_view address) {
  static const net::Networks kLoopback = net::Networks::parse({"127.0.0.0/8", "::1"}).value();
  return kLoopback.contains(address);
}

std::optional<setup::Offer> offer_of(const ListenerSnapshot& listener, const net::Endpoint& at) {
  std::optional<setup::Security> security;
  auto protocol = setup::Protocol::submission;
  if (listener.role == ListenerRole::submission && listener.smtp) security = security_of(*listener.smtp);
  if (listener.role == ListenerRole::pop3 && listener.pop3) {
    security = security_of(*listener.pop3);
    protocol = setup::Protocol::pop3;
  }
  if (listener.role == ListenerRole::imap && listener.imap) {
    security = security_of(*listener.imap);
    protocol = setup::Protocol::imap;
  }
  if (!security || at.is_local()) return {};
  return setup::Offer{protocol, *security, at.port, is_loopback(at.address)};
}

} // namespace paquebot::service
