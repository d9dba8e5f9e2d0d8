#include "sim_server.h"

#include "directory/directory.h"
#include "service/operator_hooks.h"
#include "service/queue_tasks.h"
#include "service/smtp_driver.h"
#include "store/sqlite/open.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace paquebot::simulation {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHostname = "mx.near.test";
constexpr const char* kClient = "10.0.0.7";

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

} // namespace

SimServer::SimServer(Scene& scene, Remotes& remotes, const std::string& directory, Planted planted,
                     std::function<void()> on_fatal)
    : scene_(scene), directory_(directory), on_fatal_(std::move(on_fatal)) {
  open(planted);
  if (!failure_.empty()) return;
  parts_ = std::make_unique<service::Assembly>(*store_, options(), snapshot());
  io_ = &static_cast<boost::asio::io_context&>(boost::asio::query(parts_->first(), boost::asio::execution::context));
  fill();
  if (failure_.empty() && alive()) start(remotes);
}

SimServer::~SimServer() {
  subscription_.reset();
  control_.reset();
  duties_.reset();
  parts_.reset();
}

// ---- Its parts ----

void SimServer::open(Planted planted) {
  store::SqliteOptions options;
  options.directory = directory_;
  options.clock = &scene_.clock;
  options.on_fatal = [this](const std::string&) {
    if (alive()) on_fatal_();
  };
  options.carrier = [this](std::move_only_function<void()> work) {
    // Mostly at once; a disk that others use too takes its time now and then.
    Chance& chance = scene_.chance;
    Instant due = scene_.clock.now();
    if (chance.per_mille(100)) due += chance.per_mille(20) ? chance.between(1s, 4s) : chance.between(1ms, 30ms);
    if (!steps_.empty()) due = std::max(due, steps_.back().due);
    if (due > scene_.clock.now()) note_timer(due);
    steps_.push_back({std::move(work), due});
  };
  auto opened = store::open_sqlite(std::move(options));
  if (!opened) {
    failure_ = opened.error().message;
    return;
  }
  files_ = std::move(*opened);
  faulty_ = std::make_unique<FaultyStore>(*files_, planted);
  store_ = std::make_unique<WatchedStore>(*faulty_, scene_.ledger, [this] { return alive(); });
}

template <class T>
T SimServer::run(Task<T> task) {
  std::optional<T> result;
  std::exception_ptr broke;
  boost::asio::co_spawn(*io_, std::move(task), [&](std::exception_ptr thrown, T value) {
    broke = thrown;
    result = std::move(value);
  });
  while (!result) {
    io_->poll();
    if (steps_.empty()) continue;
    auto work = std::move(steps_.front().work);
    steps_.pop_front();
    work();
  }
  if (broke) std::rethrow_exception(broke);
  return std::move(*result);
}

/// What an operator has set up before the first mail comes.
void SimServer::fill() {
  try {
    store::DirectoryStore& all = files_->directory();
    const auto domains = must(run(all.list_domains()));
    const auto has = [&](const std::string& local) { return must(run(all.find_address(local, "near.test"))).entry; };
    if (domains.empty()) must(run(all.add_domain("near.test")));
    for (const char* name : {"anna", "bert", "carl"}) {
      if (has(name)) continue;
      store::Account account;
      account.login = std::string(name) + "@near.test";
      must(run(all.add_account(std::move(account))));
    }
    if (!has("team")) must(run(all.add_address({"team", "near.test", 0, {"bert@near.test", "user1@far1.test"}})));
  } catch (const std::exception& why) {
    failure_ = why.what();
  }
}

service::ServerOptions SimServer::options() const {
  service::ServerOptions options;
  options.hostname = kHostname;
  options.version = "simulated";
  options.data_directory = "/";
  options.threads = 1;
  options.cpu_threads = 0;
  options.connector.hostname = kHostname;
  options.connector.ipv6 = false;
  return options;
}

std::shared_ptr<const service::Snapshot> SimServer::snapshot() const {
  auto all = std::make_shared<service::Snapshot>();
  all->intake.hostname = kHostname;
  all->intake.authentication.verify = false;
  return all;
}

/// As service::Server::start().
void SimServer::start(Remotes& remotes) {
  service::Assembly& parts = *parts_;
  parts.names.resolvers.deliveries = parts.names.resolvers.strangers = remotes.resolver();
  parts.names.verifier = std::make_unique<intake::Verifier>(*parts.names.resolvers.strangers, system_clock());
  parts.open_deliveries({}, remotes.dial(parts.last(), parts.contexts.wheel(0), gone_));
  duties_ = std::make_unique<service::Duties>(parts, stopping_);
  control_ = std::make_unique<control::Control>(*store_, parts.accounts.directory, service::operator_hooks(parts));
  subscription_ = store_->subscribe([this](const store::Change& change) { attend(change); });

  smtp::ServerOptions session;
  session.hostname = kHostname;
  auto listener = std::make_shared<service::SmtpListenerOptions>();
  listener->session = std::make_shared<const smtp::ServerOptions>(std::move(session));
  listener->relay_from = must(net::Networks::parse({"10.0.0.0/8"}));
  listener->relay = std::make_shared<const policy::RelayRules>();
  listener->intake = parts.current()->intake;
  listener_ = std::move(listener);

  launch(parts.deliveries.dispatcher->run(), "delivery");
  launch(parts.deliveries.reporter->run(), "reports");
  launch(parts.deliveries.deadlines.run(), "deadlines");
  launch(duties_->begin_queue(), "queue load");
  launch(parts.strangers.grey_keeper.load(), "greylist");
  launch(parts.accounts.keeper.load(), "known addresses");
  launch(service::tell_of_restore(parts.store.upkeep()), "queue held");
  launch(duties_->keep_house(), "upkeep");
  launch(duties_->report_dmarc(), "DMARC reports");
}

Task<void> SimServer::count(Task<void> task, std::string what) {
  ++running_[what];
  co_await std::move(task);
  --running_[what];
}

void SimServer::launch(Task<void> task, const std::string& what) {
  launcher_.launch(parts_->first(), count(std::move(task), what), what);
}

std::string SimServer::running() const {
  std::string all = steps_.empty() ? "" : "the store ";
  for (const auto& [what, number] : running_)
    if (number > 0) all += what + " ";
  return all;
}

/// As the server does.
void SimServer::attend(const store::Change& change) {
  if (change.kind == store::Change::Kind::queue && !stopping_) launch(duties_->load_queue(), "queue reload");
}

// ---- What others ask of it ----

std::unique_ptr<Wire> SimServer::call() {
  if (stopping_ || !alive()) return nullptr;
  const auto ends = Scene::connect();
  service::Assembly& parts = *parts_;
  const auto here = parts.first();
  net::Stream stream(here, ends.first, parts.contexts.wheel(0));
  stream.set_ends({"192.0.2.1", 25}, {kClient, 50'000});
  launch(service::SmtpConnection::serve(
             std::make_shared<service::SmtpConnection>(parts.smtp_means(0, true), listener_, std::move(stream), here)),
         "session");
  return std::make_unique<Wire>(scene_, ends.second, gone_);
}

Task<void> SimServer::obey(control::Request request, Promised<control::Response> answer) {
  Task<control::Response> asked = control_->handle(std::move(request));
  control::Response response = co_await std::move(asked);
  answer.set(std::move(response));
}

/// As the server's own task: it is waited for.
Task<control::Response> SimServer::order(std::string method, std::string target, std::string body) {
  control::Request request{std::move(method), std::move(target), std::move(body), "operator of the simulation"};
  const Promised<control::Response> answer;
  launch(obey(std::move(request), answer), "order");
  Task<control::Response> waited = answer.take();
  co_return co_await std::move(waited);
}

// ---- Its end ----

void SimServer::die() { *gone_ = true; }

void SimServer::stop() {
  if (std::exchange(stopping_, true) || !control_) return;
  service::Assembly& parts = *parts_;
  parts.strangers.grey_keeper.stop();
  parts.accounts.sessions.shut_down_all();
  parts.deliveries.dispatcher->stop();
  parts.deliveries.reporter->stop();
  parts.deliveries.deadlines.stop();
  parts.deliveries.dmarc_reporter->stop();
}

bool SimServer::ended() {
  if (!steps_.empty() || !launcher_.wait_idle(Instant::min())) return false;
  if (!alive() || std::exchange(given_back_, true)) return true;
  launch(parts_->intake.queue.orders().give_back(), "give back");
  launch(parts_->intake.dmarc_book.flush(), "DMARC reports");
  return false;
}

bool SimServer::run_step() {
  if (steps_.empty() || steps_.front().due > scene_.clock.now()) return false;
  auto work = std::move(steps_.front().work);
  steps_.pop_front();
  work();
  return true;
}

bool SimServer::turn() {
  if (!io_) return false;
  const bool moved = io_->poll() > 0;
  return run_step() || moved;
}

} // namespace paquebot::simulation
