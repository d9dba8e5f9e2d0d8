#include "app/locate.h"

#include "app/config.h"
#include "app/privileges.h"
#include "service/client_offers.h"
#include "store/store.h"

#include <algorithm>

namespace paquebot::app {
namespace {

/// An address that this machine can connect to, for one that it listens on.
std::string reachable(const std::string& address) {
  for (const char* any : {"0.0.0.0:", "[::]:", "*:"})
    if (address.starts_with(any)) return "127.0.0.1" + address.substr(address.rfind(':'));
  return address;
}

/// The first listener of a role, those with TLS from the first byte before the others.
cli::NearListener find_listener(const Config& config, service::ListenerRole role) {
  cli::NearListener found;
  for (const ListenerConfig& listener : config.listeners) {
    if (listener.role != role) continue;
    if (listener.tls == ListenerConfig::Tls::implicit) return {reachable(listener.address), true};
    if (found.address.empty()) found.address = reachable(listener.address);
  }
  return found;
}

setup::Facts setup_facts(const Config& config) {
  std::vector<setup::Offer> offers;
  for (const ListenerConfig& listener : config.listeners) {
    const auto at = net::parse_endpoint(listener.address);
    if (!at || !listener.has_logins() || listener.tls == ListenerConfig::Tls::none) continue;
    const auto protocol = listener.role == service::ListenerRole::pop3   ? setup::Protocol::pop3
                          : listener.role == service::ListenerRole::imap ? setup::Protocol::imap
                                                                         : setup::Protocol::submission;
    const auto security =
        listener.tls == ListenerConfig::Tls::implicit ? setup::Security::implicit : setup::Security::starttls;
    offers.push_back({protocol, security, at->port, service::is_loopback(at->address)});
  }
  const bool web = std::ranges::any_of(config.listeners, [](const ListenerConfig& one) {
    return one.role == service::ListenerRole::http && !one.redirect;
  });
  return setup::facts_of(config.snapshot.setup, config.server.hostname, offers, web);
}

} // namespace

Result<cli::ServerPlace> locate(const std::string& config_path) {
  auto config = load_config(config_path, [&](const std::string& path) -> Result<std::string> {
    if (path == config_path) return read_file(path);
    return std::string("-"); // not needed here, and perhaps not readable for who asks
  });
  if (!config) return std::unexpected(config.error());
  cli::ServerPlace place;
  place.data_dir = config->server.data_directory;
  if (store::is_database(config->store)) place.database = config->store;
  place.control_socket = config->control_socket;
  place.drop_dir = config->server.drop_directory;
  place.hostname = config->server.hostname;
  place.origin = config->server.origin.empty() ? place.hostname : config->server.origin;
  place.message_size = config->snapshot.intake.max_message_size;
  place.resolvers = config->server.dns.resolvers;
  place.trust_anchor = config->server.dns.trust_anchor;
  place.dnssec = config->server.dns.dnssec;
  place.authentication = std::make_shared<const intake::AuthenticationOptions>(config->snapshot.intake.authentication);
  place.doctor = config->snapshot.doctor;
  place.source_ipv4 = config->server.connector.source_ipv4;
  place.source_ipv6 = config->server.connector.source_ipv6;
  place.signs = config->snapshot.sign;
  place.search_index = config->snapshot.search_index;
  for (const RouteConfig& one : config->routes)
    if (one.route.to == "*" && !one.route.lmtp)
      place.smarthost = doctor::Smarthost{one.route.name, one.route.host, one.route.port};
  place.account_limits = config->snapshot.account_limits;
  place.user = config->user.empty() ? default_user() : config->user;
  place.submission = find_listener(*config, service::ListenerRole::submission);
  place.pop3 = find_listener(*config, service::ListenerRole::pop3);
  place.setup = setup_facts(*config);
  return place;
}

} // namespace paquebot::app
