#include "base/clock_trust.h"
#include "base/log.h"
#include "base/rights.h"
#include "cli/transport.h"
#include "control/offline_orders.h"
#include "directory/directory.h"
#include "dns/watched_resolver.h"
#include "doctor/records.h"
#include "net/wheel.h"
#include "search/index.h"
#include "service/search_desk.h"
#include "service/senses.h"
#include "service/status.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <pwd.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

std::unexpected<Error> failed(const std::string& what) {
  const Errc code = errno == EACCES || errno == EPERM ? Errc::permission : Errc::io;
  return fail(code, what + ": " + std::strerror(errno) + (code == Errc::permission ? " (try sudo)" : ""));
}

/// Orders are in the log of the server's next start.
void keep(const std::string& data_directory, const control::Order& order) {
  if (auto kept = control::keep_order(data_directory, order); !kept)
    log::warning("control", {{"why", kept.error().message}});
}

/// As the resolvers are now.
Task<dns::UpstreamState> state_of_resolver(std::shared_ptr<dns::Upstream> upstream) {
  co_await upstream->examine();
  co_return upstream->state();
}

class LocalTransport final : public Transport {
public:
  LocalTransport(std::optional<Owner> owner, std::unique_ptr<store::Store> store, const ServerPlace& place)
      : owner_(owner), who_(operator_name()), store_(std::move(store)),
        directory_(*store_, cpu_, directory::Options{.hostname = place.hostname, .origin = place.origin}),
        control_(*store_, directory_,
                 {.limits = [general = place.account_limits] { return general; },
                  .record = [folder = place.data_dir](const control::Order& order) { keep(folder, order); },
                  .hostname = place.hostname,
                  .setup = [facts = place.setup] { return facts; },
                  .world = [this] { return world(); },
                  .search = search()}),
        place_(place) {}
  ~LocalTransport() override {
    const ActAs owner(owner_);
    end_index();
    if (resolvers_) resolvers_->deliveries->give_up(), resolvers_->strangers->give_up();
    resolvers_.reset();
    store_.reset();
  }
  LocalTransport(const LocalTransport&) = delete;
  LocalTransport& operator=(const LocalTransport&) = delete;

  bool live() const override { return false; }

  Result<control::Response> call(std::string_view method, std::string_view target, std::string_view body) override {
    const ActAs owner(owner_);
    control::Response response;
    control::Request request{std::string(method), std::string(target), std::string(body), who_};
    boost::asio::co_spawn(context_, control_.handle(std::move(request)),
                          [&](const std::exception_ptr&, control::Response r) {
                            response = std::move(r);
                            context_.stop(); // a resolver listens for as long as it lives
                          });
    context_.restart();
    context_.run();
    return response;
  }

private:
  /// The index, which calls fill while they wait.
  control::SearchHooks search() {
    control::SearchHooks hooks;
    hooks.facts = [this] {
      const std::string& folder = place_.data_dir;
      const auto facts = index_                ? index_->facts()
                         : place_.search_index ? search::facts_of_file(folder)
                                               : search::IndexFacts();
      return control::to_text(service::search_status(facts));
    };
    hooks.rebuild = [this]() -> Result<> {
      if (!place_.search_index)
        return fail(Errc::refused, "there is no index: search.index is false in the configuration");
      begin_index();
      return {};
    };
    hooks.go_on = [this]() -> Task<void> {
      if (index_) co_await service::let_fill(*index_);
    };
    return hooks;
  }

  void begin_index() {
    if (!index_) {
      index_ = std::make_unique<search::Index>(*store_, place_.data_dir);
      index_->configure(true);
      boost::asio::co_spawn(context_, index_->run(), [this](const std::exception_ptr&) {
        filling_ = false;
        context_.stop();
      });
      filling_ = true;
    }
    index_->rebuild();
  }

  /// What it waits for in the store comes first.
  void end_index() {
    if (index_) index_->stop();
    while (filling_) {
      context_.restart();
      context_.run();
    }
    index_.reset();
  }

  /// What the doctor sees without a server.
  doctor::World world() {
    if (!resolvers_) {
      const dns::Options options{
          .resolvers = place_.resolvers, .trust_anchor = place_.trust_anchor, .dnssec = place_.dnssec};
      auto made = dns::make_resolvers(context_.get_executor(), options, options.at_once, system_clock());
      if (made) resolvers_ = std::move(*made);
    }
    doctor::World world{.clock = system_clock(),
                        .zone = resolvers_ ? resolvers_->deliveries : nullptr,
                        .store = store_.get(),
                        .options = place_.doctor,
                        .machine = {}};
    if (resolvers_) world.look_at_resolver = [upstream = resolvers_->upstream] { return state_of_resolver(upstream); };
    world.machine.hostname = place_.hostname;
    world.machine.signs = place_.signs;
    world.machine.smarthost = place_.smarthost;
    world.set_up = [facts = place_.setup](const std::string& domain) { return doctor::set_up_records(facts, domain); };
    world.machine.clock = doctor::ClockFacts{.trusted = true, .synchronised = kernel_clock_synchronised()};
    service::Senses senses;
    senses.resolver = world.zone;
    senses.source_ipv4 = place_.source_ipv4;
    senses.source_ipv6 = place_.source_ipv6;
    senses.wheel_of = [this](const boost::asio::any_io_executor&) { return &wheel_; };
    service::give_senses(world, std::move(senses), place_.data_dir);
    return world;
  }

  /// Outlives the store and the pool: one of their threads may still be within post() when a call has ended.
  boost::asio::io_context context_;
  net::Wheel wheel_{context_.get_executor()};
  std::optional<Owner> owner_;
  std::string who_;
  std::unique_ptr<store::Store> store_;
  directory::CpuPool cpu_{1};
  directory::Directory directory_;
  control::Control control_;
  const ServerPlace place_;
  std::optional<dns::Resolvers> resolvers_; ///< made when first asked for
  std::unique_ptr<search::Index> index_;    ///< made when it is rebuilt
  bool filling_ = false;                    ///< its run() has not ended
};

} // namespace

std::string operator_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return "operator" + (entry == nullptr ? std::string() : std::string(" ") + entry->pw_name) + " (uid " +
         std::to_string(::getuid()) + ")";
}

Result<std::unique_ptr<Transport>> local_transport(const ServerPlace& place) {
  // What the server would write to its log is no news to the person at the command line.
  if (auto set = log::configure(log::Format::key_value, log::Level::warning); !set) return std::unexpected(set.error());
  const auto owner = make_data_directory(place.data_dir, place.user);
  if (!owner) return std::unexpected(owner.error());
  const ActAs acting(*owner);
  if (acting.failed()) return failed("can't act as the owner of " + place.data_dir);
  store::StoreOptions options;
  options.node = "command";
  auto store = store::open_store(place.database.empty() ? place.data_dir : place.database, std::move(options));
  if (!store && store.error().code == Errc::conflict) {
    return fail(Errc::closed, store.error().message + "; but it does not answer on " + place.control_socket +
                                  ": if that is the server, is control_socket in its configuration the same?");
  }
  if (!store) return std::unexpected(store.error());
  return std::make_unique<LocalTransport>(*owner, std::move(*store), place);
}

} // namespace paquebot::cli
