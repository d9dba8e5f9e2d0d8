#include "service/assembly.h"

#include "service/own_letter.h"
#include "service/smtp_client.h"

#include <utility>

namespace paquebot::service {
namespace {

/// Questions to the DNS at a time that mail and connections of strangers may make us ask. An answer that is to be had
/// comes within some ten milliseconds, so that these are thousands a second; resolvers have bounds of their own.
constexpr std::size_t kStrangersQuestions = 500;

directory::Options directory_options(const ServerOptions& options) {
  return {.hostname = options.hostname, .origin = options.origin, .new_domain_grace = options.new_domain_grace};
}

} // namespace

Assembly::Accounts::Accounts(store::Store& store, const ServerOptions& options)
    : cpu(options.cpu_threads), directory(store, cpu, directory_options(options)), networks(store.books()),
      keeper(store, throttle) {}

Assembly::Intake::Intake(store::Store& store, directory::Directory& directory, const Clock& clock,
                         const ServerOptions& options, const queue::Options& queue_options)
    : limits(store.books(), system_clock()), paths(store, directory, system_clock()),
      policy(directory, &limits, &paths, &relay_rates), queue(store, clock, queue_options),
      etrn(store.queue(), queue, system_clock()), memory(options.message_memory / 4 * 3, options.memory_patience),
      own_memory(options.message_memory / 4, options.memory_patience), dmarc_book(store.books(), system_clock()),
      patience_keeper(store.upkeep(), clock) {}

Assembly::Deliveries::Deliveries(store::Store& store, directory::Directory& directory, queue::Queue& queue,
                                 const Clock& clock, const ServerOptions& options)
    : signing(options.cpu_threads), homecoming(queue, store, directory, clock),
      signer(store, signing, system_clock(), options.hostname), deadlines(queue, store.queue(), clock) {}

Assembly::Assembly(store::Store& s, ServerOptions o, std::shared_ptr<const Snapshot> first)
    : store(s), options(std::move(o)), clock_keeper(store.upkeep(), clock), contexts(options.threads),
      accounts(store, options), web(options.hostname), strangers(store),
      intake(store, accounts.directory, clock, options, first->queue),
      deliveries(store, accounts.directory, intake.queue, clock, options), search(store, options.data_directory),
      snapshot_(std::move(first)) {
  configure(*snapshot_);
}

/// All that is told of its configuration, rather than asking for the current() one.
void Assembly::configure(const Snapshot& snapshot) {
  intake.limits.configure(snapshot.account_limits);
  intake.paths.configure(snapshot.rewrite_sender);
  intake.dmarc_book.configure(snapshot.dmarc_reports.send);
  accounts.throttle.configure(snapshot.logins);
  accounts.networks.configure(snapshot.takeover_networks);
  deliveries.signer.configure(snapshot.sign);
  if (deliveries.reporter) deliveries.reporter->configure(snapshot.intake.hide_inner);
  certificate.configure(snapshot.certificates, options.hostname);
  if (ordered) ordered->configure(snapshot.acme);
  search.index.configure(snapshot.search_index);
  if (hook_client) hook_client->configure(snapshot.hooks);
  store.books().watch_accounts(snapshot.takeover);
}

Result<> Assembly::open_names(Launcher& launcher) {
  auto made = dns::make_resolvers(first(), options.dns, kStrangersQuestions, system_clock());
  if (!made) return std::unexpected(made.error());
  names.resolvers = std::move(*made);
  names.keeper =
      std::make_unique<DnsKeeper>(store.upkeep(), names.resolvers.upstream, [this, &launcher](Task<void> task) {
        launcher.launch(first(), std::move(task), "remembering resolvers");
      });
  if (auto known = names.keeper->recall(); !known) return known;
  names.verifier = std::make_unique<intake::Verifier>(*names.resolvers.strangers, system_clock());
  ordered = std::make_unique<CertificateDesk>(CertificateDesk::Parts{
      store, options.certificates.get(), first(), contexts.wheel(0), names.resolvers.deliveries, options.hostname});
  ordered->configure(current()->acme);
  web.sites.add({.path = ChallengeSite::kPath, .plain = true}, std::make_shared<ChallengeSite>(ordered->shelf()));
  hook_client = std::make_shared<HookClient>(first(), contexts.wheel(0), names.resolvers.deliveries);
  hook_client->configure(current()->hooks);
  hooks = std::make_shared<HookPoster>(
      HookPoster::Parts{store.feed(), store.upkeep(), system_clock(), first(),
                        [client = hook_client](net::HttpRequest request) { return client->send(std::move(request)); },
                        [this](store::Hook hook) { return tell_of_paused_hook(*this, std::move(hook)); }});
  return {};
}

void Assembly::stop_names() {
  names.keeper->stop();
  ordered->stop();
  hooks->stop();
}

void Assembly::open_deliveries(std::vector<net::Endpoint> listeners, std::unique_ptr<delivery::Dial> dial) {
  Deliveries& d = deliveries;
  for (net::Endpoint& one : listeners) options.connector.listeners.push_back(std::move(one));
  std::size_t where = contexts.size() - 1; // all deliveries live on the last context
  d.connector = std::make_unique<delivery::Connector>(last(), contexts.wheel(where), names.resolvers.deliveries,
                                                      options.connector, std::move(dial));
  d.policies = std::make_shared<delivery::StsBook>(
      delivery::StsBook::Means{
          last(), names.resolvers.deliveries, store.books(), clock,
          delivery::fetch_over_https(last(), contexts.wheel(where), names.resolvers.deliveries, options.connector.sts)},
      options.connector.sts);
  d.dispatcher = std::make_unique<delivery::Dispatcher>(last(), intake.queue, store, clock, *d.connector, d.homecoming,
                                                        d.signer, intake.paths);
  d.reporter = std::make_unique<delivery::Reporter>(last(), intake.queue, store, accounts.directory, intake.ids,
                                                    system_clock(), options.hostname);
  d.reporter->configure(current()->intake.hide_inner);
  d.dmarc_reporter = std::make_unique<delivery::DmarcReporter>(
      intake.queue, store, accounts.directory, names.resolvers.strangers, intake.ids, clock, options.hostname);
  d.tls_book = std::make_unique<delivery::TlsBook>(store.books(), names.resolvers.strangers, system_clock());
  d.tls_book->configure(current()->tls_reports.send);
  d.connector->attach(d.policies, *d.tls_book);
  auto post = delivery::post_over_https(first(), contexts.wheel(0), names.resolvers.strangers, options.connector.sts);
  d.tls_reporter = std::make_unique<delivery::TlsReporter>(delivery::TlsReporter::Means{
      intake.queue, store, accounts.directory, intake.ids, clock, options.hostname, std::move(post)});
}

void Assembly::Deliveries::stop_reports() {
  reporter->stop();
  dmarc_reporter->stop();
  tls_reporter->stop();
}

Task<void> Assembly::write_reports() {
  co_await intake.dmarc_book.flush();
  co_await deliveries.tls_book->flush();
}

std::vector<std::string> Assembly::replace(std::shared_ptr<const Snapshot> snapshot) {
  deliveries.connector->forget_roots();
  deliveries.tls_book->configure(snapshot->tls_reports.send);
  auto mended = snapshot->queue.routes.changed_since(intake.queue.options()->routes);
  intake.queue.configure(snapshot->queue);
  strangers.facts.clear();
  configure(*snapshot);
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_ = std::move(snapshot);
  smtp_means_.clear();
  return mended;
}

std::shared_ptr<const Snapshot> Assembly::current() {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

intake::IntakeMeans Assembly::services(bool own) {
  store::ByteBudget* const memory = own ? &intake.own_memory : &intake.memory;
  return {store,          intake.queue,         intake.policy,      intake.ids,
          system_clock(), names.verifier.get(), &intake.dmarc_book, memory};
}

LoginMeans Assembly::login_means() {
  Accounts& a = accounts;
  return {store, a.directory, a.sessions, a.throttle, current()->issuer, &a.networks, &a.scram, &strangers.attempts};
}

StrangerMeans Assembly::stranger_means() {
  Strangers& s = strangers;
  return {names.resolvers.strangers, s.facts, s.rates, s.grey, store.books(), s.book, system_clock()};
}

std::shared_ptr<const SmtpMeans> Assembly::smtp_means(std::size_t context, bool own) {
  {
    const std::lock_guard lock(snapshot_mutex_);
    if (const auto found = smtp_means_.find({context, own}); found != smtp_means_.end()) return found->second;
  }
  const auto now = current();
  LoginMeans logins = login_means();
  logins.issuer = now->issuer;
  auto made = std::make_shared<const SmtpMeans>(
      SmtpMeans{services(own),
                accounts.directory,
                accounts.sessions,
                intake.etrn,
                std::move(logins),
                {contexts.executor(context), &contexts.wheel(context), names.resolvers.deliveries.get()},
                stranger_means(),
                strangers.refusals});
  const std::lock_guard lock(snapshot_mutex_);
  if (snapshot_ == now) smtp_means_[{context, own}] = made;
  return made;
}

} // namespace paquebot::service
