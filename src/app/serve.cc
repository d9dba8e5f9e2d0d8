#include "app/serve.h"

#include "app/config.h"
#include "app/keeper.h"
#include "app/privileges.h"
#include "app/processors.h"
#include "app/resolver_check.h"
#include "app/sandbox.h"
#include "base/log.h"
#include "intake/drop.h"
#include "net/tls.h"
#include "service/server.h"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <mutex>
#include <pthread.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace paquebot::app {
namespace {

constexpr int kConfigError = 78; // EX_CONFIG
constexpr int kSystemError = 71; // EX_OSERR

const char* role_name(service::ListenerRole role) {
  switch (role) {
    case service::ListenerRole::mx: return "mx";
    case service::ListenerRole::submission: return "submission";
    case service::ListenerRole::lmtp: return "lmtp";
    case service::ListenerRole::pop3: return "pop3";
    case service::ListenerRole::control: return "control";
  }
  return "";
}

int complain(int code, const std::string& text) {
  std::fprintf(stderr, "paquebot: %s\n", text.c_str());
  return code;
}

/// Writes a new file with a mode; false when it can't.
bool write_file(const std::string& path, const std::string& bytes, mode_t mode) {
  int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0) return false;
  bool done = ::fchmod(descriptor, mode) == 0 &&
              ::write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  return ::close(descriptor) == 0 && done;
}

/// The certificate for all listeners: the configured one, else a self-signed one kept in the data directory.
Result<net::SelfSigned> find_certificate(const Config& config) {
  if (!config.certificate.empty()) {
    auto context = net::TlsContext::server(config.certificate_pem, config.key_pem);
    if (!context)
      return fail(Errc::invalid, config.certificate + " and " + config.key + ": " + context.error().message);
    return net::SelfSigned{config.certificate_pem, config.key_pem};
  }
  std::string certificate = config.data_dir + "/self-signed.crt", key = config.data_dir + "/self-signed.key";
  auto kept = read_file(certificate), kept_key = read_file(key);
  if (kept && kept_key)
    if (net::TlsContext::server(*kept, *kept_key)) return net::SelfSigned{*kept, *kept_key};
  auto made = net::make_self_signed(config.hostname);
  if (!made) return std::unexpected(made.error());
  if (!write_file(key, made->key_pem, 0600) || !write_file(certificate, made->certificate_pem, 0644))
    return fail(Errc::io, "can't keep the self-signed certificate in " + config.data_dir);
  log::warning("self-signed", {{"certificate", certificate},
                               {"why", "no [tls] certificate is configured: programs will ask before they trust it"}});
  return made;
}

/// The TLS of the listeners: one for all, and one more for each list of roots that clients' certificates may have.
using TlsContexts = std::map<std::string, std::shared_ptr<net::TlsContext>>;

Result<TlsContexts> make_tls(const Config& config) {
  const auto pair = find_certificate(config);
  if (!pair) return std::unexpected(pair.error());
  TlsContexts contexts{{"", nullptr}};
  for (const ListenerConfig& listener : config.listeners) contexts[listener.client_ca_pem] = nullptr;
  for (auto& [client_ca, context] : contexts) {
    auto made = net::TlsContext::server(pair->certificate_pem, pair->key_pem, client_ca);
    if (!made) return fail(Errc::invalid, (client_ca.empty() ? "[tls]: " : "client_ca: ") + made.error().message);
    context = *made;
  }
  return contexts;
}

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
  session->auth_in_clear = listener.login_in_clear;
  session->tls_required = submission && !listener.login_in_clear;
  session->login.scram = config.scram;
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
  options->relay = std::make_shared<const policy::RelayRules>(config.relay);
  options->session = session;
  options->implicit_tls = listener.tls == ListenerConfig::Tls::implicit;
  options->tls = listener.tls == ListenerConfig::Tls::none ? nullptr : std::move(tls);
  if (listener.role == service::ListenerRole::mx) options->guard = config.guard;
  options->xclient_from = listener.xclient_from;
  options->intake = {.hostname = config.hostname,
                     .max_message_size = config.message_size,
                     .max_hops = config.max_hops,
                     .authentication = config.authentication};
  return options;
}

std::shared_ptr<const service::Pop3ListenerOptions> pop3_options(const Config& config, const ListenerConfig& listener,
                                                                 std::shared_ptr<net::TlsContext> tls) {
  auto session = std::make_shared<pop3::ServerOptions>();
  session->hostname = config.hostname;
  session->tls_available = listener.tls == ListenerConfig::Tls::starttls;
  session->login_in_clear = listener.login_in_clear;
  session->login.scram = config.scram;
  session->login.tokens = config.issuer != nullptr;
  session->max_errors = config.max_errors;
  session->idle_timeout = config.pop3_idle_timeout;
  session->login_delay = config.pop3_login_delay;
  session->language = config.pop3_language;
  session->expire_days = config.expire_days;
  auto options = std::make_shared<service::Pop3ListenerOptions>();
  options->session = session;
  options->implicit_tls = listener.tls == ListenerConfig::Tls::implicit;
  options->tls = listener.tls == ListenerConfig::Tls::none ? nullptr : std::move(tls);
  return options;
}

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
  snapshot->intake = {
      .hostname = config.hostname, .max_message_size = config.message_size, .max_hops = config.max_hops};
  snapshot->queue = config.queue;
  snapshot->sign = config.sign;
  snapshot->rewrite_sender = config.rewrite_sender;
  snapshot->account_limits = config.account_limits;
  snapshot->takeover = config.takeover;
  snapshot->takeover_networks = config.takeover_networks;
  snapshot->expire_days = config.expire_days;
  snapshot->dmarc_reports = config.dmarc_reports;
  return snapshot;
}

Result<std::vector<service::BoundListener>> bind_all(const Config& config) {
  std::vector<service::BoundListener> bound;
  for (const ListenerConfig& listener : config.listeners) {
    std::string address = listener.address;
    if (listener.is_local()) address.erase(0, kLocalSocket.size());
    auto opened = net::Listener::open(address, listener.socket_mode);
    if (!opened) return std::unexpected(opened.error());
    bound.push_back({std::move(*opened), listener.role, listener.address});
  }
  return bound;
}

/// What lives between start and stop, in the order of its making.
class Daemon {
public:
  explicit Daemon(Config config) : config_(std::move(config)) {}

  int run();

private:
  Result<> prepare();
  Result<> confine();
  Result<> open_store();
  Result<> start();
  std::string reload();
  void wait_for_end();

  Config config_;
  std::mutex reload_mutex_;
  std::unique_ptr<Keeper> keeper_;
  std::vector<service::BoundListener> bound_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<service::Server> server_;
};

/// What only root may do, then root is dropped.
Result<> Daemon::prepare() {
  std::string user = config_.user.empty() ? default_user() : config_.user;
  if (auto made = make_data_directory(config_.data_dir, user); !made) return made;
  if (config_.sandbox || (is_root() && !user.empty())) { // before the ports are bound: it must not keep them open
    auto keeper = Keeper::start(config_.file, config_.sandbox);
    if (!keeper) return std::unexpected(keeper.error());
    keeper_ = std::move(*keeper);
  }
  auto bound = bind_all(config_);
  if (!bound) return std::unexpected(bound.error());
  bound_ = std::move(*bound);
  if (!is_root()) return {};
  if (user.empty()) {
    log::warning("running-as-root", {{"why", "there is no user paquebot; make one, or set server.user"}});
    return {};
  }
  return become(user);
}

/// Gives up what the server does not need from now on. The drop directory must be there to be allowed, threads must not.
Result<> Daemon::confine() {
  if (auto made = intake::make_drop_directory(config_.drop_dir); !made) return made;
  if (config_.sandbox)
    log_confinement(confine_server(server_paths(config_)));
  else
    log::warning("sandbox-off", {{"why", "server.sandbox is false"}});
  if (!config_.log_file.empty()) log::flush_regularly();
  return {};
}

Result<> Daemon::open_store() {
  auto store = store::open_sqlite({.directory = config_.data_dir});
  if (!store) return std::unexpected(store.error());
  store_ = std::move(*store);
  auto control = net::Listener::open(config_.control_socket, 0600);
  if (!control) return std::unexpected(control.error());
  bound_.push_back({std::move(*control), service::ListenerRole::control, config_.control_socket});
  return {};
}

Result<> Daemon::start() {
  if (auto read = read_issuer(config_); !read) return read;
  auto tls = make_tls(config_);
  if (!tls) return std::unexpected(tls.error());
  service::ServerOptions options;
  options.hostname = config_.hostname;
  options.origin = config_.origin;
  options.drop_directory = config_.drop_dir;
  const unsigned processors = usable_processors();
  options.threads = config_.threads > 0 ? config_.threads : default_session_threads(processors);
  options.cpu_threads = config_.threads > 0 ? config_.threads : std::min(processors, 256u);
  options.connector = config_.connector;
  options.dns = config_.dns;
  server_ = std::make_unique<service::Server>(*store_, std::move(options), make_snapshot(config_, *tls));
  server_->on_reload = [this] { return reload(); };
  for (const service::BoundListener& listener : bound_)
    log::info("listening", {{"role", role_name(listener.role)}, {"address", listener.listener.bound().to_string()}});
  return server_->start(std::move(bound_));
}

/// Reads the whole configuration again and takes it, or keeps the old one. Returns "" or why not.
std::string Daemon::reload() {
  std::lock_guard lock(reload_mutex_);
  auto fresh = keeper_ ? keeper_->load(config_.file) : load_config(config_.file);
  std::string why;
  if (!fresh) {
    why = fresh.error().message;
  } else if (auto read = read_issuer(*fresh); !read) {
    why = read.error().message;
  } else if (auto tls = make_tls(*fresh); !tls) {
    why = tls.error().message;
  } else {
    for (const std::string& key : restart_keys(config_, *fresh))
      log::warning("needs-restart", {{"key", key}, {"why", "this key takes effect at the next start"}});
    Config taken = *fresh;
    taken.hostname = config_.hostname; // sessions, trace fields and reports keep one name until the restart
    server_->replace(make_snapshot(taken, *tls));
    if (auto done = log::configure(taken.log_format, taken.log_level, config_.log_file); !done)
      log::error("log-kept", {{"why", done.error().message}});
    log::info("reloaded", {{"config", config_.file}});
    return why;
  }
  log::error("reload-refused", {{"why", why}, {"kept", "the configuration in force"}});
  return why;
}

/// After its rotation. A failure must not pass in silence: lines would go on into the old file.
void reopen_log() {
  if (auto done = log::reopen(); !done) log::error("log-kept", {{"why", done.error().message}});
}

void Daemon::wait_for_end() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      reopen_log();
      static_cast<void>(reload()); // the log tells what is wrong
      continue;
    }
    if (signal == SIGUSR1) {
      reopen_log();
      continue;
    }
    log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    return;
  }
}

int Daemon::run() {
  if (auto done = prepare(); !done) return complain(kSystemError, done.error().message);
  if (auto done = confine(); !done) return complain(kSystemError, done.error().message);
  if (auto done = open_store(); !done) return complain(kSystemError, done.error().message);
  if (auto done = start(); !done) return complain(kSystemError, done.error().message);
  log::info(
      "ready",
      {{"hostname", config_.hostname}, {"data", config_.data_dir}, {"pid", static_cast<std::int64_t>(::getpid())}});
  wait_for_end();
  if (!server_->stop(std::chrono::seconds(10))) {
    log::warning("stopped", {{"why", "what did not end in time was broken off; what was acknowledged is safe"}});
    ::_exit(0); // the store is made for ends without a goodbye
  }
  server_.reset();
  store_.reset();
  ::unlink(config_.control_socket.c_str());
  log::info("stopped");
  return 0;
}

void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // every thread inherits it; the main thread waits for them
  std::signal(SIGPIPE, SIG_IGN);
}

} // namespace

int serve(const std::string& config_path) {
  auto config = load_config(config_path);
  if (!config) return complain(kConfigError, config.error().message);
  ::umask(027);
  block_signals();
  raise_descriptor_limit();
  if (auto done = log::configure(config->log_format, config->log_level, config->log_file); !done)
    return complain(kSystemError, done.error().message);
  Daemon daemon(std::move(*config));
  return daemon.run();
}

int check(const std::string& config_path) {
  auto config = load_config(config_path);
  if (!config) return complain(kConfigError, config.error().message);
  if (auto read = read_issuer(*config); !read) return complain(kConfigError, read.error().message);
  if (!config->certificate.empty())
    if (auto tls = make_tls(*config); !tls) return complain(kConfigError, tls.error().message);
  std::printf("%s is fine: %s, %zu listeners, data in %s\n", config_path.c_str(), config->hostname.c_str(),
              config->listeners.size(), config->data_dir.c_str());
  for (const std::string& line : check_resolvers(config->dns)) std::printf("WARNING: %s\n", line.c_str());
  return 0;
}

} // namespace paquebot::app
