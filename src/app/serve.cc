#include "app/serve.h"

#include "app/certificate.h"
#include "app/config.h"
#include "app/daemon.h"
#include "app/privileges.h"
#include "base/log.h"
#include "service/server.h"

#include <csignal>
#include <pthread.h>
#include <sys/stat.h>

namespace paquebot::app {
namespace {

std::shared_ptr<const service::SmtpListenerOptions> smtp_options(const Config& config, const ListenerConfig& listener,
                                                                 std::shared_ptr<net::TlsContext> tls) {
  bool submission = listener.role == service::ListenerRole::submission;
  bool lmtp = listener.role == service::ListenerRole::lmtp;
  auto session = std::make_shared<smtp::ServerOptions>();
  session->role = submission ? smtp::Role::submission : lmtp ? smtp::Role::lmtp : smtp::Role::mx;
  session->hostname = config.hostname;
  session->tls_available = listener.tls == ListenerConfig::Tls::starttls;
  session->auth_available = submission;
  session->auth_required = submission;
  session->lenient = submission;
  session->mend_bare_lf = submission && config.mend_bare_lf;
  session->auth_in_clear = listener.login_in_clear;
  session->tls_required = submission && !listener.login_in_clear;
  session->login.scram = config.scram != Config::Scram::off;
  session->login.plus = config.channel_binding;
  session->login.tokens = config.issuer != nullptr;
  session->max_message_size = config.message_size;
  session->max_recipients = config.max_recipients;
  session->max_errors = config.max_errors;
  session->max_commands = config.max_commands;
  session->command_timeout = config.command_timeout;
  session->data_timeout = config.data_timeout;
  session->message_timeout = config.message_timeout;
  session->hold_most = config.hold_most.count();
  session->deliver_by_least = config.deliver_by_least.count();
  session->priority_policy = config.priority_policy;
  auto options = std::make_shared<service::SmtpListenerOptions>();
  options->etrn_hosts = config.etrn_hosts;
  options->filters = filters_for(config, listener.role);
  options->relay_from = config.relay_from;
  options->bare_lf_from = config.bare_lf_from;
  options->checked_devices = config.checked_devices;
  options->relay = std::make_shared<const policy::RelayRules>(config.relay);
  options->session = session;
  options->content_pace = config.content_pace;
  options->scram_by_accounts = submission && config.scram == Config::Scram::automatic;
  options->implicit_tls = listener.tls == ListenerConfig::Tls::implicit;
  options->tls = listener.tls == ListenerConfig::Tls::none ? nullptr : std::move(tls);
  if (listener.role == service::ListenerRole::mx) options->guard = config.guard;
  options->xclient_from = listener.xclient_from;
  options->intake = {.hostname = config.hostname,
                     .origin = config.origin,
                     .max_message_size = config.message_size,
                     .max_hops = config.max_hops,
                     .keep_bcc = config.keep_bcc,
                     .hide_inner = config.hide_inner,
                     .authentication = config.authentication};
  return options;
}

std::shared_ptr<const service::Pop3ListenerOptions> pop3_options(const Config& config, const ListenerConfig& listener,
                                                                 std::shared_ptr<net::TlsContext> tls) {
  auto session = std::make_shared<pop3::ServerOptions>();
  session->hostname = config.hostname;
  session->tls_available = listener.tls == ListenerConfig::Tls::starttls;
  session->login_in_clear = listener.login_in_clear;
  session->login.scram = config.scram != Config::Scram::off;
  session->login.plus = config.channel_binding;
  session->login.tokens = config.issuer != nullptr;
  session->max_errors = config.max_errors;
  session->idle_timeout = config.pop3_idle_timeout;
  session->login_delay = config.pop3_login_delay;
  session->language = config.pop3_language;
  session->expire_days = config.expire_days;
  auto options = std::make_shared<service::Pop3ListenerOptions>();
  options->session = session;
  options->takeover_after = config.pop3_takeover_after;
  options->scram_by_accounts = config.scram == Config::Scram::automatic;
  options->implicit_tls = listener.tls == ListenerConfig::Tls::implicit;
  options->tls = listener.tls == ListenerConfig::Tls::none ? nullptr : std::move(tls);
  return options;
}

} // namespace

std::shared_ptr<const service::Snapshot> make_snapshot(const Config& config, const TlsContexts& contexts) {
  auto snapshot = std::make_shared<service::Snapshot>();
  for (const ListenerConfig& listener : config.listeners) {
    service::ListenerSnapshot one{.role = listener.role,
                                  .address = listener.address,
                                  .accept_from = listener.accept_from,
                                  .proxy_from = listener.proxy_protocol_from};
    const std::shared_ptr<net::TlsContext>& tls = contexts.at(listener.client_ca_pem);
    if (listener.role == service::ListenerRole::pop3)
      one.pop3 = pop3_options(config, listener, tls);
    else
      one.smtp = smtp_options(config, listener, tls);
    snapshot->listeners.push_back(std::move(one));
  }
  snapshot->gate = config.gate;
  snapshot->logins = config.logins;
  snapshot->issuer = config.issuer;
  snapshot->intake = {.hostname = config.hostname,
                      .origin = config.origin,
                      .max_message_size = config.message_size,
                      .max_hops = config.max_hops,
                      .keep_bcc = config.keep_bcc,
                      .hide_inner = config.hide_inner};
  snapshot->queue = config.queue;
  snapshot->sign = config.sign;
  snapshot->rewrite_sender = config.rewrite_sender;
  snapshot->account_limits = config.account_limits;
  snapshot->takeover = config.takeover;
  snapshot->takeover_networks = config.takeover_networks;
  snapshot->certificate_file = config.certificate;
  snapshot->certificate_pem = config.certificate_pem;
  snapshot->expire_days = config.expire_days;
  snapshot->dmarc_reports = config.dmarc_reports;
  return snapshot;
}

namespace {

void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // every thread inherits it; the main thread waits for them
  std::signal(SIGPIPE, SIG_IGN);
}

} // namespace

int serve(const std::string& config_path, const std::string& version) {
  auto config = load_config(config_path);
  if (!config) return complain(kConfigError, config.error().message);
  ::umask(027);
  block_signals();
  raise_descriptor_limit();
  if (auto done = log::configure(config->log_format, config->log_level); !done)
    return complain(kSystemError, done.error().message);
  Daemon daemon(std::move(*config), version);
  return daemon.run();
}

} // namespace paquebot::app
