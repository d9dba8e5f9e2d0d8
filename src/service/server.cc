#include "service/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/assembly.h"
#include "service/client_offers.h"
#include "service/doctor_desk.h"
#include "service/door.h"
#include "service/duties.h"
#include "service/health.h"
#include "service/launcher.h"
#include "service/listener_facts.h"
#include "service/monitor.h"
#include "service/operator_hooks.h"
#include "service/pulse.h"
#include "service/queue_tasks.h"
#include "service/status.h"
#include "service/web.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <unistd.h>
#include <utility>

namespace paquebot::service {

struct Server::Impl {
  Impl(store::Store& store, ServerOptions options, std::shared_ptr<const Snapshot> first)
      : parts(store, std::move(options), std::move(first)) {}

  /// Whose session an admitted connection is to have; none: neither.
  struct Welcome {
    std::shared_ptr<const SmtpListenerOptions> smtp;
    std::shared_ptr<const Pop3ListenerOptions> pop3;
    std::shared_ptr<const ImapListenerOptions> imap;
    std::shared_ptr<const HttpListenerOptions> http;
    bool control = false; ///< over HTTP, at the control socket
  };

  void attend(const store::Change& change);
  void serve_listener(std::size_t index);
  Task<void> listen(std::size_t index);
  void take(std::size_t index, int descriptor, net::Endpoint peer);
  const ListenerSnapshot* listener_of(const Snapshot& configured, std::size_t index) const;
  Task<void> session(std::size_t index, std::size_t context, int descriptor, net::Endpoint peer);
  Task<Welcome> receive(std::size_t index, net::Stream& stream, net::Endpoint& peer);
  void note_outside(std::size_t index, const net::Endpoint& peer);
  std::vector<doctor::ListenerFacts> listener_facts();
  Task<void> converse(Welcome welcome, net::Stream stream, std::size_t context);
  Task<void> browse(Welcome welcome, net::Stream stream, boost::asio::any_io_executor executor);
  std::vector<WebListener> web_listeners();
  void open_web();
  std::vector<net::Endpoint> addresses() const;
  void launch_all();
  std::string status();
  setup::Facts setup_facts();

  Launcher launcher; ///< first: others launch until they end
  Assembly parts;
  Door door{parts.accounts.throttle, &parts.strangers.attempts};
  bool stopping = false; ///< on context 0 only
  Duties duties{parts, stopping};
  Monitor monitor{parts, door};
  Health health{parts.store.upkeep(),
                [this](Task<void> task) { launcher.launch(parts.first(), std::move(task), "health"); }};
  Pulse pulse{parts.store.upkeep(), parts.contexts, parts.options.node.empty()};
  DoctorDesk doctor{parts, stopping};
  std::vector<BoundListener> listeners;
  std::vector<std::atomic<std::int64_t>> outside; ///< of each listener: when a public address last came, wall ms
  std::chrono::steady_clock::time_point started = system_clock().now();
  std::unique_ptr<control::Control> control;
  std::shared_ptr<control::ApiSite> api;
  std::shared_ptr<const HttpListenerOptions> control_socket = control_socket_options();
  std::unique_ptr<store::Subscription> subscription; ///< last: what it tells goes to all of the above
};

/// What the store tells of, from any thread.
void Server::Impl::attend(const store::Change& change) {
  using Kind = store::Change::Kind;
  parts.search.index.tell(change);
  switch (change.kind) {
    case Kind::queue: return launcher.launch(parts.first(), duties.load_queue(), "queue reload");
    case Kind::account_ended: return parts.accounts.sessions.end_account(change.id);
    case Kind::directory:
      if (change.id != 0) parts.intake.limits.forget(change.id);
      return;
    case Kind::setting: {
      if (!change.key.empty() && !change.key.starts_with(policy::kListedSetting)) return;
      Task<void> work = refresh_listed(parts.store.upkeep(), parts.strangers.book, change.key);
      return launcher.launch(parts.first(), std::move(work), "own lists");
    }
    case Kind::node:
      return launcher.launch(parts.first(), duties.attend_drain([this](bool drained) { health.drain(drained); }),
                             "nodes");
    case Kind::suspicion:
    case Kind::destination: return;
    case Kind::mailbox: return parts.accounts.news.tell(change.id);
    case Kind::certificate: return launcher.launch(parts.first(), parts.ordered->refresh(), "certificates");
  }
}

// ---- Connections ----

void Server::Impl::serve_listener(std::size_t index) {
  launcher.launch(parts.first(), listen(index), "listener " + listeners[index].address);
}

Task<void> Server::Impl::listen(std::size_t index) {
  net::Listener& listener = listeners[index].listener;
  Task<void> serving = listener.serve(
      parts.first(), [this, index](int descriptor, net::Endpoint peer) { take(index, descriptor, std::move(peer)); });
  co_await std::move(serving);
  if (!stopping) health.ended("the listener " + listeners[index].address);
}

/// On context 0: deals the connection to the next thread.
void Server::Impl::take(std::size_t index, int descriptor, net::Endpoint peer) {
  if (stopping) {
    ::close(descriptor);
    return;
  }
  std::size_t context = parts.contexts.next();
  launcher.launch(parts.contexts.executor(context), session(index, context, descriptor, std::move(peer)), "session");
}

/// The configured listener behind a socket. Several may have the same address, with port 0: the order tells them apart.
const ListenerSnapshot* Server::Impl::listener_of(const Snapshot& configured, std::size_t index) const {
  auto same = [&](const auto& other) {
    return other.role == listeners[index].role && other.address == listeners[index].address;
  };
  auto before = std::count_if(listeners.begin(), listeners.begin() + static_cast<std::ptrdiff_t>(index), same);
  for (const ListenerSnapshot& listener : configured.listeners)
    if (same(listener) && before-- == 0) return &listener;
  return nullptr;
}

Task<void> Server::Impl::session(std::size_t index, std::size_t context, int descriptor, net::Endpoint peer) {
  net::Stream stream(parts.contexts.executor(context), descriptor, parts.contexts.wheel(context));
  Welcome welcome = co_await receive(index, stream, peer);
  if (!welcome.smtp && !welcome.pop3 && !welcome.imap && !welcome.http) co_return;
  try {
    Task<void> talk = converse(std::move(welcome), std::move(stream), context);
    co_await std::move(talk);
  } catch (const std::exception& thrown) { // our own bug: this session ends, the server goes on
    log::error("session-broke", {{"why", thrown.what()}});
  }
  if (listeners[index].role != ListenerRole::control) door.leave(peer, listeners[index].role);
}

/// All that comes before the session. In a coroutine of its own, since what session() itself holds it holds as long as
/// the connection lasts.
Task<Server::Impl::Welcome> Server::Impl::receive(std::size_t index, net::Stream& stream, net::Endpoint& peer) {
  if (listeners[index].role == ListenerRole::control)
    co_return Welcome{nullptr, nullptr, nullptr, control_socket, true};
  auto now = parts.current();
  const ListenerSnapshot* found = listener_of(*now, index);
  if (!found) co_return Welcome{}; // taken out of the configuration by a reload: closed at once, until the restart
  const ListenerSnapshot& listener = *found;
  GateLimits limits = now->gate;
  bool admitted = co_await door.admit(listener, stream, peer, limits);
  if (!admitted) co_return Welcome{};
  note_outside(index, peer);
  co_return Welcome{listener.smtp, listener.pop3, listener.imap, listener.http, false};
}

/// That somebody came from outside shows that the port can be reached. Looked at once a minute.
void Server::Impl::note_outside(std::size_t index, const net::Endpoint& peer) {
  constexpr std::int64_t kOften = 60'000;
  std::atomic<std::int64_t>& last = outside[index];
  const std::int64_t now = millis(system_clock().wall());
  if (now - last.load(std::memory_order_relaxed) >= kOften && doctor::is_public(peer.address))
    last.store(now, std::memory_order_relaxed);
}

std::vector<doctor::ListenerFacts> Server::Impl::listener_facts() {
  const auto now = parts.current();
  std::vector<doctor::ListenerFacts> all;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const ListenerSnapshot* found = listener_of(*now, i);
    if (found == nullptr) continue;
    all.push_back(facts_of(*found, listeners[i].listener.bound(), outside[i].load(std::memory_order_relaxed)));
  }
  return all;
}

/// The session itself; no coroutine of its own, for the same reason.
Task<void> Server::Impl::converse(Welcome welcome, net::Stream stream, std::size_t context) {
  auto executor = parts.contexts.executor(context);
  Assembly::Accounts& a = parts.accounts;
  if (welcome.http) return browse(std::move(welcome), std::move(stream), std::move(executor));
  if (welcome.pop3) {
    Pop3Means pop3{parts.store, a.delay, a.holders, parts.login_means()};
    return Pop3Connection::serve(
        std::make_shared<Pop3Connection>(pop3, std::move(welcome.pop3), std::move(stream), executor));
  }
  if (welcome.imap) {
    ImapMeans imap{parts.store, a.news, a.seats, parts.intake.ids, parts.login_means(), &parts.search.index};
    return ImapConnection::serve(
        std::make_shared<ImapConnection>(imap, std::move(welcome.imap), std::move(stream), executor));
  }
  auto smtp = parts.smtp_means(context, welcome.smtp->session->role != smtp::Role::mx);
  return SmtpConnection::serve(
      std::make_shared<SmtpConnection>(std::move(smtp), std::move(welcome.smtp), std::move(stream), executor));
}

Task<void> Server::Impl::browse(Welcome welcome, net::Stream stream, boost::asio::any_io_executor executor) {
  http::Site* site = &parts.web.sites;
  if (welcome.control) site = api.get();
  if (welcome.http->redirect) site = &parts.web.plain;
  store::ByteBudget* const memory = welcome.control ? &parts.intake.own_memory : &parts.intake.memory;
  HttpParts web{*site, parts.accounts.sessions, memory};
  return HttpConnection::serve(
      std::make_shared<HttpConnection>(web, std::move(welcome.http), std::move(stream), std::move(executor)));
}

/// Those for HTTP, as they are bound.
std::vector<WebListener> Server::Impl::web_listeners() {
  const auto now = parts.current();
  std::vector<WebListener> all;
  for (std::size_t i = 0; i < listeners.size(); ++i)
    if (const ListenerSnapshot* one = listener_of(*now, i); one != nullptr && one->role == ListenerRole::http)
      all.push_back({listeners[i].listener.bound(), one->http->tls != nullptr, one->http->redirect});
  return all;
}

void Server::Impl::open_web() {
  api = open_sites({parts, *control, monitor, health, [this] { return setup_facts(); }});
  if (const std::uint16_t port = https_port(web_listeners()); port != 0) parts.web.plain.lead_to(port);
}

// ---- Server ----

std::string Server::Impl::status() {
  const std::int64_t now = millis(system_clock().wall());
  const auto numbers = parts.intake.queue.numbers();
  control::json::array list;
  for (const BoundListener& listener : listeners) list.emplace_back(listener.listener.bound().to_string());
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(system_clock().now() - started).count();
  control::json::object out{{"version", parts.options.version},
                            {"hostname", parts.options.hostname},
                            {"pid", ::getpid()},
                            {"uptime_seconds", up},
                            {"listeners", std::move(list)},
                            {"connections", door.count()}};
  if (!parts.options.node.empty()) out["node"] = parts.options.node;
  out["queue"] = control::json::object{{"destinations", numbers.destinations},
                                       {"ready", numbers.ready},
                                       {"workers", numbers.workers},
                                       {"suspended", parts.intake.queue.suspensions().in_force()}};
  out["search"] = search_status(parts.search.index.facts());
  out["disk"] = disk_status(parts.options.data_directory);
  auto shown = parts.certificate.status(now);
  if (!shown.empty()) out["certificate"] = shown.front();
  if (shown.size() > 1) out["certificates"] = std::move(shown);
  if (auto dns = control::parse_json(parts.names.keeper->status(), "the state of the DNS"))
    out["dns"] = std::move(*dns);
  if (auto state = control::parse_json(parts.clock_keeper.status(), "the state of the clock"))
    out["clock"] = std::move(*state);
  return control::to_text(out);
}

/// What users' programs are told, by the sockets as they are.
setup::Facts Server::Impl::setup_facts() {
  const auto now = parts.current();
  std::vector<setup::Offer> offers;
  const auto speaks_https = [](const ListenerSnapshot& one) { return one.http && !one.http->redirect; };
  const bool web = std::ranges::any_of(now->listeners, speaks_https);
  for (std::size_t i = 0; i < listeners.size(); ++i)
    if (const ListenerSnapshot* listener = listener_of(*now, i))
      if (const auto offer = offer_of(*listener, listeners[i].listener.bound())) offers.push_back(*offer);
  return setup::facts_of(now->setup, parts.options.hostname, offers, web);
}

/// Of those to which nothing that we send may come.
std::vector<net::Endpoint> Server::Impl::addresses() const {
  std::vector<net::Endpoint> all;
  for (const BoundListener& one : listeners)
    if (one.role == ListenerRole::mx || one.role == ListenerRole::submission || one.role == ListenerRole::lmtp)
      all.push_back(one.listener.bound());
  return all;
}

void Server::Impl::launch_all() {
  const auto first = parts.first(), last = parts.last();
  launcher.launch(first, parts.names.keeper->run(), "resolvers");
  launcher.launch(last, parts.deliveries.dispatcher->run(), "delivery");
  launcher.launch(last, parts.deliveries.reporter->run(), "reports");
  launcher.launch(last, parts.deliveries.deadlines.run(), "deadlines");
  launcher.launch(first, duties.begin_queue(), "queue load");
  launcher.launch(first, parts.strangers.grey_keeper.load(), "greylist");
  launcher.launch(first, parts.accounts.keeper.load(), "known addresses");
  launcher.launch(first, load_listed_book(parts.store.upkeep(), parts.strangers.book), "own lists");
  launcher.launch(first, tell_of_restore(parts.store.upkeep()), "queue held");
  launcher.launch(first, duties.keep_house(), "upkeep");
  launcher.launch(first, duties.report_dmarc(), "DMARC reports");
  launcher.launch(first, doctor.run(), "doctor");
  launcher.launch(first, duties.tend_certificates(), "certificates");
  launcher.launch(first, duties.pick_up_drops(), "drop directory");
  launcher.launch(first, parts.hooks->run([this](store::Id one) { return control->reach_of(one); }), "hooks");
  launcher.launch(parts.search.begin(), parts.search.index.run(), "search index");
  for (std::size_t i = 0; i < listeners.size(); ++i) serve_listener(i);
}

Server::Server(store::Store& store, ServerOptions options, std::shared_ptr<const Snapshot> snapshot)
    : impl_(std::make_unique<Impl>(store, std::move(options), std::move(snapshot))) {}

Server::~Server() = default;

Result<> Server::start(std::vector<BoundListener> listeners) {
  Impl& s = *impl_;
  if (auto made = s.parts.open_names(s.launcher); !made) return made;
  s.listeners = std::move(listeners);
  s.outside = std::vector<std::atomic<std::int64_t>>(s.listeners.size());
  s.doctor.started = millis(system_clock().wall());
  s.doctor.setup = [&s] { return s.setup_facts(); };
  s.doctor.listeners = [&s] { return s.listener_facts(); };
  s.parts.open_deliveries(s.addresses());
  control::Hooks hooks = operator_hooks(s.parts);
  hooks.status = [&s] { return s.status(); };
  hooks.metrics = [&s] { return s.monitor.text(); };
  hooks.setup = [&s] { return s.setup_facts(); };
  hooks.reload = on_reload;
  hooks.console_url = [&s] { return console_url(s.parts.options.hostname, s.web_listeners()); };
  s.doctor.add_to(hooks);
  hooks.begin_round = [&s] { s.launcher.launch(s.parts.first(), s.doctor.round(), "doctor"); };
  s.control = std::make_unique<control::Control>(s.parts.store, s.parts.accounts.directory, std::move(hooks));
  s.open_web();
  s.subscription = s.parts.store.subscribe([&s](const store::Change& change) { s.attend(change); });
  s.launch_all();
  if (on_pulse) s.launcher.launch(s.parts.first(), s.pulse.run(s.stopping, pulse_pause, on_pulse), "pulse");
  s.parts.contexts.run();
  return {};
}

void Server::replace(std::shared_ptr<const Snapshot> snapshot) {
  Impl& s = *impl_;
  auto mended = s.parts.replace(std::move(snapshot));
  if (mended.empty()) return;
  s.launcher.launch(s.parts.first(), s.duties.wake_routes(std::move(mended)), "changed routes");
}

Result<std::vector<BoundListener>> Server::hand_on_listeners() {
  std::vector<BoundListener> all;
  for (BoundListener& one : impl_->listeners) {
    auto listener = one.listener.hand_on();
    if (!listener) return std::unexpected(listener.error());
    all.push_back({std::move(*listener), one.role, one.address});
  }
  return all;
}

bool Server::stop(std::chrono::seconds bound) {
  Impl& s = *impl_;
  auto until = system_clock().now() + bound;
  boost::asio::post(s.parts.first(), [&s] {
    s.stopping = true;
    s.health.stop();
    s.parts.strangers.grey_keeper.stop();
    for (BoundListener& listener : s.listeners) listener.listener.stop();
    s.parts.accounts.sessions.shut_down_all();
  });
  Assembly::Deliveries& deliveries = s.parts.deliveries;
  s.parts.stop_names();
  s.parts.search.index.stop();
  deliveries.dispatcher->stop();
  deliveries.stop_reports();
  deliveries.deadlines.stop();
  bool ended = s.launcher.wait_idle(until);
  if (!ended)
    log::warning("stopped-early", {{"sessions", s.parts.accounts.sessions.count()},
                                   {"deliveries", s.parts.intake.queue.numbers().workers}});
  s.launcher.launch(s.parts.first(), s.parts.intake.queue.orders().give_back(), "give back");
  s.launcher.launch(s.parts.first(), s.parts.write_reports(), "reports");
  // What still waits for the store would be answered into contexts that are gone.
  ended = s.launcher.wait_idle(system_clock().now() + std::chrono::seconds(2)) && ended;
  s.parts.names.resolvers.deliveries->give_up();
  s.parts.names.resolvers.strangers->give_up(); // what was asked for sessions that are over
  s.parts.names.verifier->lookups.wait_idle(system_clock().now() + std::chrono::seconds(2));
  s.parts.search.end();
  s.parts.contexts.stop();
  s.parts.contexts.join();
  return ended;
}

} // namespace paquebot::service
