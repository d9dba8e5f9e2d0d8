#include "service/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "dns/watched_resolver.h"
#include "intake/dmarc_book.h"
#include "intake/pickup.h"
#include "intake/suspects.h"
#include "net/wheel.h"
#include "service/certificate_watch.h"
#include "service/clock_keeper.h"
#include "service/dns_keeper.h"
#include "service/grey_keeper.h"
#include "service/http_driver.h"
#include "service/login_keeper.h"
#include "service/patience_keeper.h"
#include "service/proxied.h"
#include "service/queue_tasks.h"
#include "service/status.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace paquebot::service {
namespace {

const std::string kBusy = "421 4.7.0 too many connections, please try again later\r\n";
const std::string kBusyPop3 = "-ERR [SYS/TEMP] too many connections, please try again later\r\n";
const std::string kStranger = "554 5.7.1 this server does not speak with you\r\n"; // RFC 5321 section 3.1
const std::string kStrangerPop3 = "-ERR [SYS/PERM] this server does not speak with you\r\n";

/// Questions to the DNS at a time that mail and connections of strangers may make us ask. An answer that is to be had
/// comes within some ten milliseconds, so that these are thousands a second; resolvers have bounds of their own.
constexpr std::size_t kStrangersQuestions = 500;
/// How long a node that does work for all has it, unless it asks again; and that work.
constexpr std::chrono::seconds kLease{60};
constexpr const char* kUpkeepWork = "upkeep";
constexpr const char* kDmarcWork = "dmarc";

bool implicit_tls(const ListenerSnapshot& listener) {
  return (listener.smtp && listener.smtp->implicit_tls) || (listener.pop3 && listener.pop3->implicit_tls);
}

/// A local socket has neither address nor port; who may open it is for its mode to say.
bool is_local(const net::Endpoint& peer) { return peer.address.empty() || peer.is_local(); }

/// LMTP is for front servers of ours.
bool is_for_users(ListenerRole role) { return role != ListenerRole::mx; }

directory::Options directory_options(const ServerOptions& options) {
  return {.hostname = options.hostname, .origin = options.origin, .new_domain_grace = options.new_domain_grace};
}

} // namespace

struct Server::Impl {
  Impl(store::Store& s, ServerOptions o, std::shared_ptr<const Snapshot> first)
      : store(s), options(std::move(o)), snapshot(std::move(first)), contexts(options.threads),
        cpu(options.cpu_threads), signing(options.cpu_threads), directory(store, cpu, directory_options(options)),
        policy(directory, &limits, &paths, &relay_rates), queue(store, clock, snapshot->queue) {
    limits.configure(snapshot->account_limits);
    paths.configure(snapshot->rewrite_sender);
    guard.configure(snapshot->logins);
    signer.configure(snapshot->sign);
    networks.configure(snapshot->takeover_networks);
    certificate.configure(snapshot->certificate_file, snapshot->certificate_pem, options.hostname);
    store.books().watch_accounts(snapshot->takeover);
    dmarc_book.configure(snapshot->dmarc_reports.send);
  }

  store::Store& store;
  ServerOptions options;
  ClockTrust clock{system_clock()}; ///< for all that deletes, returns or forgets what is old
  ClockKeeper clock_keeper{store.upkeep(), clock};
  std::mutex snapshot_mutex;
  std::shared_ptr<const Snapshot> snapshot;
  net::ContextPool contexts;
  directory::CpuPool cpu;
  directory::CpuPool signing; ///< a line of its own: a flood of logins holds up no mail
  directory::Directory directory;
  policy::LimitBook limits{store.books(), system_clock()};
  policy::ReturnPaths paths{store, directory, system_clock()};
  policy::RelayRates relay_rates{system_clock()};
  policy::Policy policy;
  UlidSource ids;
  queue::Queue queue;
  Gate gate;
  /// For heads, bodies and recipients that come in: from other servers, and from own users.
  store::ByteBudget message_memory{options.message_memory / 4 * 3, options.memory_patience};
  store::ByteBudget own_memory{options.message_memory / 4, options.memory_patience};
  policy::FactsCache client_facts{system_clock()};
  policy::ClientRates client_rates{system_clock()};
  policy::GreyTable grey;
  policy::GuardBook guard_book{system_clock()};
  policy::Refusals refusals;
  GreyKeeper grey_keeper{store.books(), grey};
  Sessions sessions;
  LoginDelay login_delay;
  MailboxHolders holders;
  Etrn etrn{store.queue(), queue, system_clock()};
  directory::LoginGuard guard;
  LoginKeeper login_keeper{store, guard};
  PatienceKeeper patience_keeper{store.upkeep(), clock};
  ScramSwitch scram{directory};
  directory::NetworkWatch networks;
  CertificateWatch certificate;
  dns::Resolvers resolvers;
  std::unique_ptr<DnsKeeper> dns_keeper;
  std::unique_ptr<intake::Verifier> verifier;
  std::unique_ptr<delivery::Connector> connector;
  delivery::Homecoming homecoming{queue, store, directory, clock};
  delivery::Signer signer{store, signing, system_clock(), options.hostname};
  std::unique_ptr<delivery::Dispatcher> dispatcher;
  std::unique_ptr<delivery::Reporter> reporter;
  intake::DmarcBook dmarc_book{store.books(), system_clock()};
  std::unique_ptr<delivery::DmarcReporter> dmarc_reporter;
  delivery::Deadlines deadlines{queue, clock};
  std::unique_ptr<control::Control> control;
  std::vector<BoundListener> listeners;
  std::chrono::steady_clock::time_point started = system_clock().now();
  bool stopping = false; ///< on context 0 only
  std::mutex done_mutex;
  std::condition_variable done;
  unsigned running = 0;                              ///< tasks that stop() waits for, under done_mutex
  std::unique_ptr<store::Subscription> subscription; ///< last: what it tells goes to all of the above

  std::shared_ptr<const Snapshot> current() {
    std::lock_guard lock(snapshot_mutex);
    return snapshot;
  }
  boost::asio::any_io_executor first() { return contexts.executor(0); }
  boost::asio::any_io_executor last() { return contexts.executor(contexts.size() - 1); }
  LoginParts login_parts() { return {store, directory, sessions, guard, current()->issuer, &networks, &scram}; }
  /// `own`: for what own users, their programs and LMTP bring in, which strangers must not keep out.
  intake::Services services(bool own = true) {
    store::ByteBudget* const memory = own ? &own_memory : &message_memory;
    return {store, queue, policy, ids, system_clock(), verifier.get(), &dmarc_book, memory};
  }

  /// Whose session an admitted connection is to have; none: neither.
  struct Welcome {
    std::shared_ptr<const SmtpListenerOptions> smtp;
    std::shared_ptr<const Pop3ListenerOptions> pop3;
  };

  void attend(const store::Change& change);
  void launch(boost::asio::any_io_executor where, Task<void> task, std::string what);
  bool wait_idle(std::chrono::steady_clock::time_point until);
  void serve_listener(std::size_t index);
  void take(std::size_t index, int descriptor, net::Endpoint peer);
  const ListenerSnapshot* listener_of(const Snapshot& configured, std::size_t index) const;
  Task<void> session(std::size_t index, std::size_t context, int descriptor, net::Endpoint peer);
  Task<bool> unwrap(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer, GateLimits limits);
  Task<bool> admit(const ListenerSnapshot& listener, net::Stream& stream, const net::Endpoint& peer, GateLimits limits);
  Guest guest_of(const ListenerSnapshot& listener, const net::Endpoint& peer, const GateLimits& limits);
  Task<void> turn_away(const ListenerSnapshot& listener, net::Stream& stream, std::string_view words,
                       std::string_view pop3_words);
  Task<Welcome> receive(std::size_t index, net::Stream& stream, net::Endpoint& peer);
  Task<void> converse(Welcome welcome, net::Stream stream, std::size_t context);
  Task<void> pick_up_drops();
  Task<void> upkeep();
  Task<bool> has_lease(const char* name);
  Task<void> expire_mail();
  Task<void> begin_queue();
  Task<void> report_dmarc();
  Task<void> load_queue();
  Task<void> wake_routes(std::vector<std::string> destinations);
  void tell_of_certificate();
  std::string status();
};

/// Runs a task that stop() waits for. What it throws is our own bug: logged, and the server goes on.
/// What the store tells of, from any thread.
void Server::Impl::attend(const store::Change& change) {
  using Kind = store::Change::Kind;
  switch (change.kind) {
    case Kind::queue: return launch(first(), load_queue(), "queue reload");
    case Kind::account_ended: return sessions.end_account(change.id);
    case Kind::directory:
      if (change.id != 0) limits.forget(change.id);
      return;
    case Kind::suspicion:
      if (change.id != 0) networks.forget(change.id);
      return;
    case Kind::destination:
    case Kind::setting:
    case Kind::mailbox:
    case Kind::node: return;
  }
}

void Server::Impl::launch(boost::asio::any_io_executor where, Task<void> task, std::string what) {
  {
    std::lock_guard lock(done_mutex);
    ++running;
  }
  boost::asio::co_spawn(where, std::move(task), [this, what = std::move(what)](std::exception_ptr error) {
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& thrown) {
        log::error("task-broke", {{"task", what}, {"why", thrown.what()}});
      }
    }
    std::lock_guard lock(done_mutex);
    --running;
    done.notify_all();
  });
}

bool Server::Impl::wait_idle(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(done_mutex);
  return done.wait_until(lock, until, [this] { return running == 0; });
}

// ---- Connections ----

void Server::Impl::serve_listener(std::size_t index) {
  net::Listener& listener = listeners[index].listener;
  launch(first(),
         listener.serve(
             first(), [this, index](int descriptor, net::Endpoint peer) { take(index, descriptor, std::move(peer)); }),
         "listener " + listeners[index].address);
}

/// On context 0: deals the connection to the next thread.
void Server::Impl::take(std::size_t index, int descriptor, net::Endpoint peer) {
  if (stopping) {
    ::close(descriptor);
    return;
  }
  std::size_t context = contexts.next();
  launch(contexts.executor(context), session(index, context, descriptor, std::move(peer)), "session");
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
  net::Stream stream(contexts.executor(context), descriptor, contexts.wheel(context));
  if (listeners[index].role == ListenerRole::control) {
    control::Control& actions = *control;
    co_await serve_http(std::move(stream), actions);
    co_return;
  }
  Welcome welcome = co_await receive(index, stream, peer);
  if (!welcome.smtp && !welcome.pop3) co_return;
  try {
    Task<void> talk = converse(std::move(welcome), std::move(stream), context);
    co_await std::move(talk);
  } catch (const std::exception& thrown) { // our own bug: this session ends, the server goes on
    log::error("session-broke", {{"why", thrown.what()}});
  }
  gate.leave(peer.address);
}

/// All that comes before the session. In a coroutine of its own, since what session() itself holds it holds as long as
/// the connection lasts.
Task<Server::Impl::Welcome> Server::Impl::receive(std::size_t index, net::Stream& stream, net::Endpoint& peer) {
  auto now = current();
  const ListenerSnapshot* found = listener_of(*now, index);
  if (!found) co_return Welcome{}; // taken out of the configuration by a reload: closed at once, until the restart
  const ListenerSnapshot& listener = *found;
  GateLimits limits = now->gate;
  bool unwrapped = co_await unwrap(listener, stream, peer, limits);
  if (!unwrapped) co_return Welcome{};
  bool admitted = co_await admit(listener, stream, peer, limits);
  if (!admitted) co_return Welcome{};
  if (listener.role == ListenerRole::pop3) co_return Welcome{nullptr, listener.pop3};
  co_return Welcome{listener.smtp, nullptr};
}

/// From a proxy of ours: reads whose connection it really is. False: nothing more is to be done with it.
Task<bool> Server::Impl::unwrap(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer,
                                GateLimits limits) {
  if (!listener.proxy_from.contains(peer.address)) co_return true;
  limits.per_address = limits.total; // all of them come from the one address
  std::string proxy = peer.address;
  const Guest guest = is_for_users(listener.role) ? Guest::known : Guest::stranger; // who it is is not known yet
  if (gate.enter(proxy, limits, guest) != Gate::Verdict::welcome) {
    log::warning("too-many-connections", {{"client", proxy}, {"scope", "total"}});
    co_return false;
  }
  auto told = co_await read_proxy_header(stream);
  gate.leave(proxy);
  if (!told) {
    log::warning("proxy-refused", {{"proxy", proxy}, {"listener", listener.address}, {"why", told.error().message}});
    co_return false;
  }
  peer = stream.remote();
  log::debug("proxied", {{"proxy", proxy}, {"client", peer.to_string()}});
  co_return true;
}

/// What room there is for this peer. Who logged in lately is looked for where it matters only.
Guest Server::Impl::guest_of(const ListenerSnapshot& listener, const net::Endpoint& peer, const GateLimits& limits) {
  if (is_local(peer)) return Guest::known;
  if (!is_for_users(listener.role)) return Guest::stranger;
  return gate.in_reserve(limits) && guard.is_used(peer.address) ? Guest::known : Guest::user;
}

/// May this peer have a session now? Counted by the gate when so.
Task<bool> Server::Impl::admit(const ListenerSnapshot& listener, net::Stream& stream, const net::Endpoint& peer,
                               GateLimits limits) {
  if (!listener.accept_from.empty() && !is_local(peer) && !listener.accept_from.contains(peer.address)) {
    log::warning("stranger", {{"client", peer.address}, {"listener", listener.address}});
    co_await turn_away(listener, stream, kStranger, kStrangerPop3);
    co_return false;
  }
  if (is_local(peer)) limits.per_address = limits.total;
  const Gate::Verdict verdict = gate.enter(peer.address, limits, guest_of(listener, peer, limits));
  if (verdict == Gate::Verdict::welcome) co_return true;
  log::warning("too-many-connections",
               {{"client", peer.address}, {"scope", verdict == Gate::Verdict::full ? "total" : "address"}});
  co_await turn_away(listener, stream, kBusy, kBusyPop3);
  co_return false;
}

Task<void> Server::Impl::turn_away(const ListenerSnapshot& listener, net::Stream& stream, std::string_view words,
                                   std::string_view pop3_words) {
  if (implicit_tls(listener)) co_return;
  stream.set_deadline(system_clock().now() + std::chrono::seconds(5));
  std::string_view said = listener.role == ListenerRole::pop3 ? pop3_words : words;
  co_await stream.write(said);
}

/// The session itself; no coroutine of its own, for the same reason.
Task<void> Server::Impl::converse(Welcome welcome, net::Stream stream, std::size_t context) {
  auto executor = contexts.executor(context);
  if (welcome.pop3) {
    Pop3Parts parts{store, directory, sessions, login_delay, holders, login_parts()};
    return Pop3Connection::serve(
        std::make_shared<Pop3Connection>(parts, std::move(welcome.pop3), std::move(stream), executor));
  }
  filter::Wiring wiring{executor, &contexts.wheel(context), resolvers.deliveries.get()};
  GuardParts guards{resolvers.strangers, client_facts, client_rates, grey, guard_book, system_clock()};
  const bool own = welcome.smtp->session->role != smtp::Role::mx;
  SmtpParts parts{services(own), directory,         sessions,          etrn,
                  login_parts(), std::move(wiring), std::move(guards), refusals};
  return SmtpConnection::serve(
      std::make_shared<SmtpConnection>(parts, std::move(welcome.smtp), std::move(stream), executor));
}

// ---- Upkeep ----

Task<void> Server::Impl::pick_up_drops() {
  intake::DropDesk desk(options.drop_directory);
  while (!stopping) {
    auto now = current();
    intake::Services parts = services();
    const intake::Options& intake_options = now->intake;
    std::size_t taken = co_await intake::pick_up(desk, parts, directory, intake_options);
    if (taken > 0) continue;
    auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
  }
}

/// Slices of the store's upkeep, a pause between rounds.
Task<void> Server::Impl::upkeep() {
  int ticks = 0;
  std::uint64_t marks = 0;
  tell_of_certificate();
  while (!stopping) {
    co_await clock_keeper.tick();
    const bool set_back = clock.set_back();
    const bool went_back = clock_keeper.went_back();
    if (ticks == 0) co_await patience_keeper.load(verifier->patience); // once the clock is known
    if (set_back || went_back) co_await load_queue(); // what is due by the time that it was is not due by this one
    auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
    if (++ticks % 10 == 0) {
      co_await grey_keeper.save();
      co_await login_keeper.save();
      co_await patience_keeper.save(verifier->patience);
    }
    const bool round = ticks % 20 == 2; // the first a second after the start
    const std::uint64_t marks_now = store.books().suspicion_generation();
    const bool marked = std::exchange(marks, marks_now) != marks_now;
    if (round || marked) {
      intake::Services parts = services();
      std::string hostname = options.hostname;
      co_await intake::attend_suspects(parts, directory, std::move(hostname), false);
    }
    if (!round) continue;
    tell_of_certificate();
    const bool ours = co_await has_lease(kUpkeepWork);
    if (!ours) continue;
    for (bool more = true; more && !stopping;) {
      std::int64_t now = millis(clock.settled());
      auto slice = co_await store.upkeep().maintain(now);
      more = slice && *slice;
    }
    co_await expire_mail();
  }
  co_await grey_keeper.save();
  co_await login_keeper.save();
  co_await patience_keeper.save(verifier->patience);
}

/// For work that one node does for all.
Task<bool> Server::Impl::has_lease(const char* name) {
  std::string work = name;
  const auto given = co_await store.upkeep().lease(std::move(work), kLease);
  if (!given) log::error("lease-unknown", {{"work", name}, {"why", given.error().message}});
  co_return given && *given;
}

/// One round over the mailboxes, in slices: what is older than mailbox.expire_days goes.
Task<void> Server::Impl::expire_mail() {
  const auto days = current()->expire_days;
  if (days == 0) co_return;
  const std::int64_t before = millis(clock.settled()) - std::int64_t{days} * 24 * 3600 * 1000;
  for (bool more = true; more && !stopping;) {
    std::string why = fmt::format("expired after {} days", days);
    auto slice = co_await store.mailboxes().expire_entries(before, std::move(why));
    if (!slice) log::error("expiry-failed", {{"why", slice.error().message}});
    if (slice && slice->removed > 0) log::info("expired", {{"messages", slice->removed}});
    more = slice && slice->more;
  }
}

/// What was in hand of accounts that look taken over waits again: it is held before anything is sent.
Task<void> Server::Impl::begin_queue() {
  intake::Services parts = services();
  std::string hostname = options.hostname;
  co_await intake::attend_suspects(parts, directory, std::move(hostname), true);
  co_await load_queue();
}

/// Writes down what reports will tell, and sends those that are due; about once a minute.
Task<void> Server::Impl::report_dmarc() {
  while (!stopping && !clock.state().begun) { // until then no day has passed
    auto rest = std::chrono::milliseconds(100);
    co_await net::sleep_for(rest);
  }
  for (int ticks = 0; !stopping; ++ticks) {
    if (ticks % 120 == 0) {
      co_await dmarc_book.flush();
      delivery::DmarcSending how = current()->dmarc_reports;
      const bool ours = co_await has_lease(kDmarcWork);
      if (ours) co_await dmarc_reporter->round(std::move(how));
    }
    auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
  }
}

/// What waits in the store is known to the queue only after this: a store that can't be read just now is asked again.
Task<void> Server::Impl::load_queue() {
  while (!stopping) {
    const auto loaded = co_await queue.load();
    if (loaded) co_return;
    log::error("queue-unreadable", {{"why", loaded.error().message}});
    auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
  }
}

Task<void> Server::Impl::wake_routes(std::vector<std::string> destinations) {
  store::QueueStore& waiting = store.queue();
  co_await retry_routes(waiting, std::move(destinations));
  co_await load_queue();
}

void Server::Impl::tell_of_certificate() {
  for (const std::string& problem : certificate.due(millis(system_clock().wall())))
    log::warning("certificate-problem", {{"certificate", current()->certificate_file}, {"why", problem}});
}

std::string Server::Impl::status() {
  auto numbers = queue.numbers();
  control::json::array list;
  for (const BoundListener& listener : listeners) list.emplace_back(listener.listener.bound().to_string());
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(system_clock().now() - started).count();
  control::json::object out{
      {"version", options.version}, {"hostname", options.hostname}, {"pid", ::getpid()},
      {"uptime_seconds", up},       {"listeners", std::move(list)}, {"connections", gate.total()}};
  out["queue"] = control::json::object{
      {"destinations", numbers.destinations}, {"ready", numbers.ready}, {"workers", numbers.workers}};
  out["disk"] = disk_status(options.data_directory);
  auto shown = certificate.status(millis(system_clock().wall()));
  if (!shown.empty()) out["certificate"] = std::move(shown);
  if (auto dns = control::parse_json(dns_keeper->status(), "the state of the DNS")) out["dns"] = std::move(*dns);
  if (auto state = control::parse_json(clock_keeper.status(), "the state of the clock"))
    out["clock"] = std::move(*state);
  return control::to_text(out);
}

// ---- Server ----

Server::Server(store::Store& store, ServerOptions options, std::shared_ptr<const Snapshot> snapshot)
    : impl_(std::make_unique<Impl>(store, std::move(options), std::move(snapshot))) {}

Server::~Server() = default;

/// Before anything listens: what strangers make us ask must find the resolvers there, and what is remembered of them.
Result<> Server::begin_dns() {
  Impl& s = *impl_;
  auto made = dns::make_resolvers(s.first(), s.options.dns, kStrangersQuestions, system_clock());
  if (!made) return std::unexpected(made.error());
  s.resolvers = std::move(*made);
  s.dns_keeper = std::make_unique<DnsKeeper>(s.store.upkeep(), s.resolvers.upstream, [&s](Task<void> task) {
    s.launch(s.first(), std::move(task), "remembering resolvers");
  });
  return s.dns_keeper->recall();
}

Result<> Server::start(std::vector<BoundListener> listeners) {
  Impl& s = *impl_;
  if (auto made = begin_dns(); !made) return made;
  s.verifier = std::make_unique<intake::Verifier>(*s.resolvers.strangers, system_clock());
  s.listeners = std::move(listeners);
  for (const BoundListener& one : s.listeners)
    if (one.role != ListenerRole::control && one.role != ListenerRole::pop3)
      s.options.connector.listeners.push_back(one.listener.bound());
  std::size_t where = s.contexts.size() - 1; // all deliveries live on the last context
  s.connector = std::make_unique<delivery::Connector>(s.last(), s.contexts.wheel(where), s.resolvers.deliveries,
                                                      s.options.connector);
  s.dispatcher = std::make_unique<delivery::Dispatcher>(s.last(), s.queue, s.store, s.clock, *s.connector, s.homecoming,
                                                        s.signer, s.paths);
  s.reporter = std::make_unique<delivery::Reporter>(s.last(), s.queue, s.store, s.directory, s.ids, system_clock(),
                                                    s.options.hostname);
  s.reporter->configure(s.current()->intake.hide_inner);
  s.dmarc_reporter = std::make_unique<delivery::DmarcReporter>(s.queue, s.store, s.directory, s.resolvers.strangers,
                                                               s.ids, s.clock, s.options.hostname);
  control::Hooks hooks;
  hooks.order = [&s](store::QueueAction action, store::QueueFilter filter, std::string who) {
    return s.queue.operate(action, std::move(filter), std::move(who));
  };
  hooks.confirm_clock = [&s] { return s.clock_keeper.confirm(); };
  hooks.limits = [&s] { return *s.limits.general(); };
  hooks.put_listed = [&s](const policy::Listed& entry) { s.guard_book.put(entry); };
  hooks.drop_listed = [&s](const std::string& what) { s.guard_book.remove(what); };
  hooks.account_removed = [&s](const std::string& login) { s.guard.forget(login); };
  hooks.logins = [&s](const std::string& login) { return s.guard.facts(login); };
  hooks.status = [&s] { return s.status(); };
  hooks.refusals = [&s](const std::string& address, std::int64_t since, std::size_t most) {
    return s.refusals.find(address, since, most);
  };
  hooks.reload = on_reload;
  hooks.resolver = s.resolvers.deliveries;
  hooks.forget_resolvers = [&s](const std::optional<std::string>& address) {
    s.resolvers.upstream->forget(address);
    s.dns_keeper->look_now();
  };
  hooks.hostname = s.options.hostname;
  s.control = std::make_unique<control::Control>(s.store, s.directory, std::move(hooks));
  s.subscription = s.store.subscribe([&s](const store::Change& change) { s.attend(change); });
  s.launch(s.first(), s.dns_keeper->run(), "resolvers");
  s.launch(s.last(), s.dispatcher->run(), "delivery");
  s.launch(s.last(), s.reporter->run(), "reports");
  s.launch(s.last(), s.deadlines.run(), "deadlines");
  s.launch(s.first(), s.begin_queue(), "queue load");
  s.launch(s.first(), s.grey_keeper.load(), "greylist");
  s.launch(s.first(), s.login_keeper.load(), "known addresses");
  s.launch(s.first(), load_guard_book(s.store.upkeep(), s.guard_book), "own lists");
  s.launch(s.first(), tell_of_restore(s.store.upkeep()), "queue held");
  s.launch(s.first(), s.upkeep(), "upkeep");
  s.launch(s.first(), s.report_dmarc(), "DMARC reports");
  s.launch(s.first(), s.pick_up_drops(), "drop directory");
  for (std::size_t i = 0; i < s.listeners.size(); ++i) s.serve_listener(i);
  s.contexts.run();
  return {};
}

void Server::replace(std::shared_ptr<const Snapshot> snapshot) {
  impl_->connector->forget_roots();
  auto mended = snapshot->queue.routes.changed_since(impl_->queue.options()->routes);
  impl_->queue.configure(snapshot->queue);
  impl_->limits.configure(snapshot->account_limits);
  impl_->client_facts.clear();
  impl_->paths.configure(snapshot->rewrite_sender);
  impl_->reporter->configure(snapshot->intake.hide_inner);
  impl_->guard.configure(snapshot->logins);
  impl_->signer.configure(snapshot->sign);
  impl_->networks.configure(snapshot->takeover_networks);
  impl_->certificate.configure(snapshot->certificate_file, snapshot->certificate_pem, impl_->options.hostname);
  impl_->store.books().watch_accounts(snapshot->takeover);
  impl_->dmarc_book.configure(snapshot->dmarc_reports.send);
  {
    const std::lock_guard lock(impl_->snapshot_mutex);
    impl_->snapshot = std::move(snapshot);
  }
  if (!mended.empty()) impl_->launch(impl_->first(), impl_->wake_routes(std::move(mended)), "changed routes");
}

bool Server::stop(std::chrono::seconds bound) {
  Impl& s = *impl_;
  auto until = system_clock().now() + bound;
  boost::asio::post(s.first(), [&s] {
    s.stopping = true;
    s.grey_keeper.stop();
    for (BoundListener& listener : s.listeners) listener.listener.stop();
    s.sessions.shut_down_all();
  });
  s.dns_keeper->stop();
  s.dispatcher->stop();
  s.reporter->stop();
  s.deadlines.stop();
  s.dmarc_reporter->stop();
  bool ended = s.wait_idle(until);
  if (!ended)
    log::warning("stopped-early", {{"sessions", s.sessions.count()}, {"deliveries", s.queue.numbers().workers}});
  s.launch(s.first(), s.queue.give_back(), "give back");
  s.launch(s.first(), s.dmarc_book.flush(), "DMARC reports");
  s.wait_idle(system_clock().now() + std::chrono::seconds(2));
  s.resolvers.deliveries->give_up();
  s.resolvers.strangers->give_up(); // what was asked for sessions that are over
  s.verifier->lookups.wait_idle(system_clock().now() + std::chrono::seconds(2));
  s.contexts.stop();
  s.contexts.join();
  return ended;
}

} // namespace paquebot::service
