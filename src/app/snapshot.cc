#include "app/snapshot.h"

#include "base/clock.h"
#include "net/certificate.h"
#include "service/sites.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace paquebot::app {
namespace {

sasl::Offer logins_of(const Config& config) {
  sasl::Offer offer;
  offer.scram = config.scram != Config::Scram::off;
  offer.plus = config.channel_binding;
  offer.tokens = config.snapshot.issuer != nullptr;
  return offer;
}

/// What all listeners have of the configuration, and what comes with this one.
template <class Common>
auto options_of(const Config& config, const Common& common, const ListenerConfig& listener,
                const TlsContexts& contexts) {
  auto session = common.session;
  session.hostname = config.server.hostname;
  session.tls_available = listener.tls == ListenerConfig::Tls::starttls;
  session.login = logins_of(config);
  auto options = std::make_shared<std::remove_cvref_t<decltype(common.listener)>>(common.listener);
  options->implicit_tls = listener.tls == ListenerConfig::Tls::implicit;
  if (listener.tls != ListenerConfig::Tls::none) options->tls = contexts.at({listener.client_ca_pem, false});
  options->scram_by_accounts = listener.has_logins() && config.scram == Config::Scram::automatic;
  return std::pair(std::move(session), std::move(options));
}

/// What is ordered, and by which proofs: without words in the configuration those that the listeners can give.
std::shared_ptr<const service::CertificateOptions> acme_options(const Config& config) {
  using enum acme::ChallengeKind;
  auto options = std::make_shared<service::CertificateOptions>(config.acme.options);
  for (const CertificateConfig& one : certificates_of(config))
    if (const auto facts = net::read_certificate(one.certificate_pem))
      options->configured.insert(options->configured.end(), facts->names.begin(), facts->names.end());
  if (!options->challenges.empty()) return options;
  const auto has = [&](bool tls) {
    return std::ranges::any_of(config.listeners, [&](const ListenerConfig& listener) {
      return listener.role == service::ListenerRole::http && (listener.tls != ListenerConfig::Tls::none) == tls;
    });
  };
  if (has(true)) options->challenges.push_back(tls_alpn);
  if (has(false)) options->challenges.push_back(http);
  if (options->zone) options->challenges.push_back(dns);
  return options;
}

/// What is made once for all listeners.
struct Shared {
  const TlsContexts& contexts;
  const intake::Options& intake;
  std::shared_ptr<const policy::StrangerRules> strangers;
  std::shared_ptr<const policy::RelayRules> relay;
};

std::shared_ptr<const service::SmtpListenerOptions> smtp_options(const Config& config, const ListenerConfig& listener,
                                                                 const Shared& shared) {
  const bool submission = listener.role == service::ListenerRole::submission;
  const bool lmtp = listener.role == service::ListenerRole::lmtp;
  auto [session, options] = options_of(config, config.smtp, listener, shared.contexts);
  session.role = submission ? smtp::Role::submission : lmtp ? smtp::Role::lmtp : smtp::Role::mx;
  session.auth_available = session.auth_required = session.lenient = submission;
  session.mend_bare_lf = submission && config.mend_bare_lf;
  session.auth_in_clear = listener.login_in_clear;
  session.tls_required = submission && !listener.login_in_clear;
  options->session = std::make_shared<const smtp::ServerOptions>(std::move(session));
  options->filters = filters_for(config, listener.role);
  options->relay = shared.relay;
  if (listener.role == service::ListenerRole::mx) options->strangers = shared.strangers;
  options->xclient_from = listener.xclient_from;
  options->intake = shared.intake;
  return options;
}

std::shared_ptr<const service::Pop3ListenerOptions> pop3_options(const Config& config, const ListenerConfig& listener,
                                                                 const TlsContexts& contexts) {
  auto [session, options] = options_of(config, config.pop3, listener, contexts);
  session.login_in_clear = listener.login_in_clear;
  options->session = std::make_shared<const pop3::ServerOptions>(std::move(session));
  return options;
}

std::shared_ptr<const service::ImapListenerOptions> imap_options(const Config& config, const ListenerConfig& listener,
                                                                 const TlsContexts& contexts) {
  auto [session, options] = options_of(config, config.imap, listener, contexts);
  session.login_in_clear = listener.login_in_clear;
  options->session = std::make_shared<const imap::ServerOptions>(std::move(session));
  return options;
}

std::shared_ptr<const service::HttpListenerOptions> http_options(const ListenerConfig& listener,
                                                                 const TlsContexts& contexts) {
  const bool encrypted = listener.tls != ListenerConfig::Tls::none;
  http::ServerOptions session;
  session.encrypted = encrypted;
  session.always = service::browser_rules(encrypted);
  session.clock = &system_clock();
  auto options = std::make_shared<service::HttpListenerOptions>();
  options->session = std::make_shared<const http::ServerOptions>(std::move(session));
  if (encrypted) options->tls = contexts.at({std::string(), true});
  options->forwarded_from = listener.forwarded_from;
  options->redirect = listener.redirect;
  return options;
}

} // namespace

const char* role_name(service::ListenerRole role) {
  switch (role) {
    case service::ListenerRole::mx: return "mx";
    case service::ListenerRole::submission: return "submission";
    case service::ListenerRole::lmtp: return "lmtp";
    case service::ListenerRole::pop3: return "pop3";
    case service::ListenerRole::imap: return "imap";
    case service::ListenerRole::control: return "control";
    case service::ListenerRole::http: return "http";
  }
  return "";
}

std::shared_ptr<const filter::Chain> filters_for(const Config& config, service::ListenerRole role) {
  auto chain = std::make_shared<filter::Chain>();
  for (const FilterConfig& filter : config.filters)
    if (std::ranges::find(filter.roles, role) != filter.roles.end()) chain->push_back(filter.options);
  return chain->empty() ? nullptr : chain;
}

std::shared_ptr<const service::Snapshot> make_snapshot(const Config& config, const TlsContexts& contexts) {
  auto snapshot = std::make_shared<service::Snapshot>(config.snapshot);
  snapshot->intake.hostname = config.server.hostname;
  snapshot->intake.origin = config.server.origin;
  for (const CertificateConfig& one : certificates_of(config))
    snapshot->certificates.push_back({one.certificate_file, one.certificate_pem});
  snapshot->acme = acme_options(config);
  const Shared shared{contexts, snapshot->intake, std::make_shared<const policy::StrangerRules>(config.guard),
                      std::make_shared<const policy::RelayRules>(config.relay)};
  for (const ListenerConfig& listener : config.listeners) {
    service::ListenerSnapshot one{.role = listener.role,
                                  .address = listener.address,
                                  .accept_from = listener.accept_from,
                                  .proxy_from = listener.proxy_protocol_from};
    if (listener.role == service::ListenerRole::http)
      one.http = http_options(listener, contexts);
    else if (listener.role == service::ListenerRole::pop3)
      one.pop3 = pop3_options(config, listener, contexts);
    else if (listener.role == service::ListenerRole::imap)
      one.imap = imap_options(config, listener, contexts);
    else
      one.smtp = smtp_options(config, listener, shared);
    snapshot->listeners.push_back(std::move(one));
  }
  return snapshot;
}

} // namespace paquebot::app
