#include "app/daemon.h"

#include "app/port_holder.h"
#include "app/privileges.h"
#include "app/processors.h"
#include "app/sandbox.h"
#include "app/setting_list.h"
#include "app/snapshot.h"
#include "base/log.h"
#include "base/log_node.h"
#include "base/rights.h"
#include "control/offline_orders.h"
#include "intake/drop.h"

#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

/// How often the files of the configuration are looked at: a renewed certificate is in force that soon.
constexpr std::chrono::seconds kLook{5};
/// For a command that works on the store while no server runs (`paquebot status` of a health check), or a server that
/// is about to end.
constexpr std::chrono::milliseconds kLockPatience{5'000};
/// For what is under way when the server ends.
constexpr std::chrono::seconds kLastErrand{2};

std::string path_of(const ListenerConfig& listener) {
  return listener.is_local() ? listener.address.substr(kLocalSocket.size()) : listener.address;
}

/// Whether root would open it where somebody else could lead him astray: a local socket whose folder is not root's
/// alone. The user that the server becomes opens it then.
bool is_for_the_user(const ListenerConfig& listener) { return listener.is_local() && !roots_way(path_of(listener)); }

/// Within the pause between two tries to reach a database.
bool told_to_end() {
  constexpr timespec kPause{2, 0};
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  return sigtimedwait(&signals, nullptr, &kPause) > 0;
}

} // namespace

int complain(int code, const std::string& text) {
  std::fprintf(stderr, "paquebot: %s\n", text.c_str());
  return code;
}

/// What only root may do, then root is dropped; and then what the user can do, so that root is not led astray.
Result<> Daemon::prepare() {
  std::string user = config_.user.empty() ? default_user() : config_.user;
  if (auto made = own_data_directory(config_.server.data_directory, user); !made) return made;
  auto keeper =
      Keeper::start(config_.file, {.confined = config_.sandbox}); // before the ports: it must not keep them open
  if (!keeper) return std::unexpected(keeper.error());
  keeper_ = std::move(*keeper);
  const bool drops = is_root() && !user.empty();
  take_inherited();
  if (drops) {
    if (auto bound = bind(false); !bound) return bound;
    if (auto became = become(user); !became) return became;
  } else if (is_root()) {
    log::warning("running-as-root", {{"why", "there is no user paquebot; make one, or set server.user"}});
  }
  if (auto bound = bind(true); !bound) return bound;
  return open_log();
}

/// What the service manager has opened for us. From here on bound_ has a place for each listener.
void Daemon::take_inherited() {
  bound_.resize(config_.listeners.size());
  for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
    const ListenerConfig& listener = config_.listeners[i];
    if (auto taken = inherited_.take(listener))
      bound_[i] = std::make_unique<service::BoundListener>(
          service::BoundListener{std::move(*taken), listener.role, listener.address});
  }
  inherited_.close_rest();
}

/// Opens the listeners that are not open yet; without `as_user` only those that root may open.
Result<> Daemon::bind(bool as_user) {
  for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
    const ListenerConfig& listener = config_.listeners[i];
    if (bound_[i] || (!as_user && is_for_the_user(listener))) continue;
    auto opened = net::Listener::open(path_of(listener), listener.socket_mode);
    if (!opened) return std::unexpected(explain_listen_error(listener.address, opened.error()));
    bound_[i] = std::make_unique<service::BoundListener>(
        service::BoundListener{std::move(*opened), listener.role, listener.address});
  }
  return {};
}

/// Until here lines went to standard error.
Result<> Daemon::open_log() {
  auto opened = log::configure(config_.log_format, config_.log_level, config_.log_file);
  if (!opened)
    opened.error().message += "; the file and its folder must be writable for the user that the server runs as";
  return opened;
}

/// Gives up what the server does not need from now on. The drop directory must be there to be allowed, threads must
/// not.
Result<> Daemon::confine() {
  if (auto made = intake::make_drop_directory(config_.server.drop_directory); !made) return made;
  if (config_.sandbox)
    log_confinement(confine_server(server_paths(config_)));
  else
    log::warning("sandbox-off", {{"why", "server.sandbox is false"}});
  if (!config_.log_file.empty()) log::flush_regularly();
  return {};
}

std::string Daemon::node_name() const {
  if (!config_.node.empty()) return config_.node;
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : config_.server.hostname;
}

Result<> Daemon::open_store() {
  manager_.status("Opening the store"); // after an upgrade that takes as long as it takes
  if (store::is_database(config_.store)) log::name_node(node_name());
  store::StoreOptions options;
  options.lock_patience_ms = kLockPatience.count();
  options.node = node_name();
  options.node_directory = config_.server.data_directory;
  options.version = version_;
  const bool here = !store::is_database(config_.store);
  const std::string place = here ? config_.server.data_directory : config_.store;
  if (!here)
    options.on_fatal = [this, own = ++epochs_](const std::string&) {
      ended_epoch_ = own;
      ::kill(::getpid(), kEpochEnded); // the main thread waits for it; all others have blocked it
    };
  auto store = store::open_store(place, options);
  while (!here && !store && store.error().code == Errc::temporary) {
    // As one that goes away later; who connects waits for our greeting.
    log::warning("store-unreachable", {{"why", store.error().message}});
    if (told_to_end()) return fail(Errc::closed, "told to end while the database was away");
    manager_.alive();
    store = store::open_store(place, options);
  }
  if (!store) return std::unexpected(store.error());
  store_ = std::move(*store);
  control::tell_kept_orders(config_.server.data_directory);
  return {};
}

Result<> Daemon::open_control() {
  auto control = net::Listener::open(config_.control_socket, 0600);
  if (!control) return std::unexpected(control.error());
  bound_.push_back(std::make_unique<service::BoundListener>(
      service::BoundListener{std::move(*control), service::ListenerRole::control, config_.control_socket}));
  return {};
}

Result<> Daemon::start() {
  for (const std::string& warning : config_.warnings) log::warning("configuration", {{"why", warning}});
  if (auto read = read_providers(in_force_); !read) return read;
  if (auto read = read_issuer(in_force_); !read) return read;
  if (auto read = read_acme_keys(in_force_); !read) return read;
  const auto tls = show_certificates(in_force_);
  if (!tls) return std::unexpected(tls.error());
  service::ServerOptions options = config_.server;
  options.certificates = certificates_;
  options.version = version_;
  options.confined = config_.sandbox;
  if (store::is_database(config_.store)) options.node = node_name();
  const unsigned processors = usable_processors();
  options.cpu_threads = options.threads > 0 ? options.threads : std::min(processors, 256u);
  if (options.threads == 0) options.threads = default_session_threads(processors);
  if (options.message_memory == 0) options.message_memory = default_message_memory(usable_memory());
  tell_settings();
  options.settings = [this] {
    const std::scoped_lock lock(settings_mutex_);
    return settings_;
  };
  server_ = std::make_unique<service::Server>(*store_, std::move(options), make_snapshot(in_force_, *tls));
  server_->on_reload = [this] { return ask_reload(); };
  if (const auto patience = manager_.patience()) {
    server_->on_pulse = [this] { manager_.alive(); };
    server_->pulse_pause = *patience / 3;
  }
  std::vector<service::BoundListener> listeners;
  for (std::unique_ptr<service::BoundListener>& bound : bound_) {
    const std::string address = bound->listener.bound().to_string();
    log::info("listening", {{"role", role_name(bound->role)}, {"address", address}});
    listeners.push_back(std::move(*bound));
  }
  bound_.clear();
  errands_ = std::make_unique<Errands>([this] { look_at_certificates(); }, kLook);
  auto started = server_->start(std::move(listeners));
  ready_ = started.has_value();
  return started;
}

/// For the control action: the coroutine waits, its thread does not.
Task<control::Reloaded> Daemon::ask_reload() {
  const Promised<control::Reloaded> answer;
  const bool posted = errands_->post([this, answer] { answer.set(reload()); });
  if (!posted)
    co_return control::Reloaded{
        .refused = "the server is about to end", .code = Errc::closed, .restart = {}, .warnings = {}};
  co_return co_await answer.take();
}

/// From now on listeners show what this configuration says; nothing is changed when that can't be.
Result<TlsContexts> Daemon::show_certificates(const Config& config) {
  const auto found = find_certificates(config);
  if (!found) return std::unexpected(found.error());
  auto tls = make_tls(config, certificates_);
  if (!tls) return tls;
  if (auto shown = certificates_->configure(found->pairs, found->makeshift); !shown)
    return std::unexpected(shown.error());
  return tls;
}

/// Puts a configuration in force for what comes from now on.
void Daemon::take(const Config& fresh, const TlsContexts& tls) {
  in_force_ = fresh;
  // Sessions, trace fields and reports keep their names until the restart.
  in_force_.server.hostname = config_.server.hostname;
  in_force_.server.origin = config_.server.origin;
  server_->replace(make_snapshot(in_force_, tls));
  tell_settings();
}

void Daemon::tell_settings() {
  auto all = setting_list(in_force_);
  const std::scoped_lock lock(settings_mutex_);
  settings_ = std::move(all);
}

/// In words for people.
std::string Daemon::state() const {
  return fmt::format("{} is ready, on {} listeners", config_.server.hostname, config_.listeners.size());
}

/// Reads the whole configuration again and takes it, or keeps the old one.
control::Reloaded Daemon::read_again() {
  control::Reloaded done;
  auto fresh = keeper_->load(config_.file);
  Result<TlsContexts> tls;
  if (!fresh)
    done.refused = fresh.error().message, done.code = fresh.error().code == Errc::closed ? Errc::closed : Errc::invalid;
  else if (auto read = read_providers(*fresh); !read)
    done.refused = read.error().message;
  else if (auto read = read_issuer(*fresh); !read)
    done.refused = read.error().message;
  else if (auto read = read_acme_keys(*fresh); !read)
    done.refused = read.error().message;
  else if (tls = show_certificates(*fresh); !tls)
    done.refused = tls.error().message;
  if (!done.refused.empty()) {
    log::error("reload-refused", {{"why", done.refused}, {"kept", "the configuration in force"}});
    return done;
  }
  done.restart = restart_keys(config_, *fresh);
  for (const std::string& key : done.restart)
    log::warning("needs-restart", {{"key", key}, {"why", "this key takes effect at the next start"}});
  take(*fresh, *tls);
  seen_.clear(); // what changed since the load is found at the next look, which compares the files themselves
  done.warnings = fresh->warnings;
  for (const std::string& warning : certificate_warnings(in_force_)) done.warnings.push_back(warning);
  log::adjust(in_force_.log_format, in_force_.log_level);
  if (auto opened = log::reopen(); !opened) {
    log::error("log-kept", {{"why", opened.error().message}});
    done.warnings.push_back(opened.error().message);
  }
  log::info("reloaded", {{"config", config_.file}});
  return done;
}

/// The same, and the service manager hears of it.
control::Reloaded Daemon::reload() {
  manager_.reloading();
  control::Reloaded done = read_again();
  manager_.ready(done.refused.empty() ? state() : "Reload refused, the old configuration is kept: " + done.refused);
  return done;
}

/// Takes renewed certificates without being told to. Anything else that has changed waits for a reload.
void Daemon::look_at_certificates() {
  const auto known = certificates_of(in_force_);
  if (!ready_ || known.empty()) return;
  const auto now = keeper_->fingerprint();
  if (!now || *now == seen_) return;
  const auto fresh = keeper_->load(config_.file);
  if (!fresh) return;
  const auto read = certificates_of(*fresh);
  std::vector<std::string> renewed;
  if (read.size() != known.size()) return;
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (read[i].certificate_file != known[i].certificate_file || read[i].key_file != known[i].key_file) return;
    if (read[i].certificate_pem != known[i].certificate_pem || read[i].key_pem != known[i].key_pem)
      renewed.push_back(read[i].certificate_file);
  }
  if (!renewed.empty()) {
    Config config = in_force_;
    config.tls = fresh->tls;
    config.certificates = fresh->certificates;
    const auto tls = show_certificates(config);
    if (!tls) return; // one of two files is new: soon both are
    take(config, *tls);
    for (const std::string& file : renewed) log::info("certificate-renewed", {{"certificate", file}});
  }
  seen_ = *now;
}

/// After its rotation. A failure must not pass in silence: lines would go on into the old file.
void reopen_log() {
  if (auto done = log::reopen(); !done) log::error("log-kept", {{"why", done.error().message}});
}

Daemon::End Daemon::wait_for_end() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, kEpochEnded}) sigaddset(&signals, signal);
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      errands_->post([this] { static_cast<void>(reload()); }); // the log tells what is wrong
    } else if (signal == SIGUSR1) {
      errands_->post(reopen_log);
    } else if (signal == kEpochEnded) {
      if (ended_epoch_ == epochs_) return End::epoch; // else it is told of an epoch that is no more
    } else {
      log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      return End::told;
    }
  }
}

/// False when something was broken off that the store may still wake: the process must end with both of them.
bool Daemon::end_server() {
  constexpr std::chrono::seconds kBound{10};
  const bool ended = server_->stop(kBound);
  if (!errands_->finish(kLastErrand) || !ended) return false;
  errands_.reset();
  server_.reset();
  store_.reset();
  return true;
}

/// Another node took this one for dead: what it has in hand is others' by now. So all of it is let go of, sessions and
/// deliveries end, and a server is made anew, in a new epoch, on the same sockets and with the configuration in force.
void Daemon::begin_anew() {
  log::warning("epoch-ended", {{"why", "another node took this one for dead"}, {"next", "it begins anew"}});
  manager_.status("Beginning anew: another node took this one for dead");
  ready_ = false;
  auto kept = server_->hand_on_listeners();
  if (!kept || !end_server()) {
    log::error("store-lost",
               {{"error", "what was under way did not end in time"}, {"advice", "start the server again"}});
    ::_exit(kBroken);
  }
  for (service::BoundListener& one : *kept) bound_.push_back(std::make_unique<service::BoundListener>(std::move(one)));
  for (const auto step : {&Daemon::open_store, &Daemon::start})
    if (auto done = (this->*step)(); !done) {
      log::error("store-lost", {{"error", done.error().message}, {"advice", "start the server again"}});
      ::_exit(done.error().code == Errc::closed ? 0 : kBroken); // told to end: in order
    }
  tell_ready();
}

void Daemon::tell_ready() {
  log::info("ready", {{"hostname", config_.server.hostname},
                      {"node", node_name()},
                      {"data", config_.server.data_directory},
                      {"pid", static_cast<std::int64_t>(::getpid())}});
  manager_.ready(state());
}

int Daemon::run() {
  for (const auto step :
       {&Daemon::prepare, &Daemon::confine, &Daemon::open_store, &Daemon::open_control, &Daemon::start})
    if (auto done = (this->*step)(); !done) return complain(kSystemError, done.error().message);
  tell_ready();
  while (wait_for_end() == End::epoch) begin_anew();
  manager_.stopping("Ending sessions and deliveries");
  keeper_->give_up(); // a reload that waits for a file waits no more
  if (!end_server()) {
    log::warning("stopped", {{"why", "what did not end in time was broken off; what was acknowledged is safe"}});
    ::_exit(0); // the store is made for ends without a goodbye
  }
  ::unlink(config_.control_socket.c_str());
  log::info("stopped");
  return 0;
}

} // namespace paquebot::app
