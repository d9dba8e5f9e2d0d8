#include "service/doctor_desk.h"

#include "base/log.h"
#include "doctor/house.h"
#include "doctor/records.h"
#include "service/own_letter.h"
#include "service/senses.h"

#include <fcntl.h>
#include <set>
#include <sys/resource.h>
#include <utility>

namespace paquebot::service {
namespace {

/// As many descriptors are looked at: some milliseconds.
constexpr rlim_t kLookedAt = 100'000;

doctor::DescriptorFacts count_descriptors() {
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) != 0) return {};
  doctor::DescriptorFacts facts{.used = 0, .most = most.rlim_cur};
  for (rlim_t i = 0; i < std::min(most.rlim_cur, kLookedAt); ++i)
    if (::fcntl(static_cast<int>(i), F_GETFD) >= 0) ++facts.used;
  return facts;
}

std::optional<doctor::Smarthost> smarthost_of(const Snapshot& now) {
  // What no domain is named for goes the way of all.
  const queue::Route* route = now.queue.routes.find("a-domain-that-nobody-names.invalid");
  if (route == nullptr || route->lmtp) return std::nullopt;
  return doctor::Smarthost{route->name, route->host, route->port};
}

std::vector<doctor::FilterFacts> filters_of(const Snapshot& now) {
  std::vector<doctor::FilterFacts> facts;
  std::set<std::string> known;
  for (const ListenerSnapshot& listener : now.listeners) {
    if (!listener.smtp || !listener.smtp->filters) continue;
    for (const filter::Options& one : *listener.smtp->filters)
      if (known.insert(one.name).second)
        facts.push_back({one.name, one.place.to_string(), one.when_away == filter::Away::defer});
  }
  return facts;
}

} // namespace

DoctorDesk::DoctorDesk(Assembly& parts, const bool& stopping)
    : parts_(parts), stopping_(stopping),
      rounds_(parts.store.upkeep(), system_clock(),
              {{.name = "doctor",
                .first = std::chrono::minutes(15), // connections come first, by which ports are seen to be reached
                .period = std::chrono::hours(24),
                .by = Round::By::one,
                .work = [this] { return daily(); }}}) {}

doctor::World DoctorDesk::world() {
  const auto now = parts_.current();
  doctor::World world{.clock = system_clock(),
                      .zone = parts_.names.resolvers.deliveries,
                      .store = &parts_.store,
                      .options = now->doctor,
                      .machine = {}};
  doctor::Machine& machine = world.machine;
  machine.hostname = parts_.options.hostname;
  machine.started = started;
  machine.signs = now->sign;
  machine.resolver = parts_.names.resolvers.upstream->state();
  if (listeners) machine.listeners = listeners();
  if (setup)
    world.set_up = [facts = setup()](const std::string& domain) { return doctor::set_up_records(facts, domain); };
  if (now->acme && now->acme->agree_tos) machine.authority = now->acme->directory;
  machine.certificate = doctor::CertificateShown{};
  if (!now->certificates.empty()) machine.certificate->file = now->certificates.front().file;
  if (const auto& all = parts_.options.certificates)
    if (const auto shown = all->chosen_for(parts_.options.hostname); !shown.empty())
      machine.certificate->pem = shown.front();
  machine.clock = doctor::ClockFacts{parts_.clock.state().trusted, kernel_clock_synchronised()};
  machine.descriptors = count_descriptors();
  machine.sandbox = parts_.options.confined;
  machine.filters = filters_of(*now);
  machine.smarthost = smarthost_of(*now);
  const delivery::ConnectorOptions& connector = parts_.options.connector;
  Senses senses{.resolver = parts_.names.resolvers.deliveries,
                .source_ipv4 = connector.source_ipv4,
                .source_ipv6 = connector.source_ipv6,
                .wheel_of = {}};
  senses.wheel_of = [contexts = &parts_.contexts](const boost::asio::any_io_executor& executor) -> net::Wheel* {
    for (std::size_t i = 0; i < contexts->size(); ++i)
      if (contexts->executor(i) == executor) return &contexts->wheel(i);
    return nullptr;
  };
  give_senses(world, std::move(senses), parts_.options.data_directory);
  return world;
}

control::Examined DoctorDesk::examined() const {
  const std::scoped_lock lock(mutex_);
  return examined_;
}

void DoctorDesk::add_to(control::Hooks& hooks) {
  hooks.world = [this] { return world(); };
  hooks.live.examined = [this] { return examined(); };
}

Task<void> DoctorDesk::daily() {
  if (parts_.current()->doctor.daily) co_await round();
}

Task<void> DoctorDesk::round() {
  if (std::exchange(busy_, true)) co_return;
  try {
    co_await make_round();
  } catch (...) {
    busy_ = false;
    throw;
  }
  busy_ = false;
}

Task<void> DoctorDesk::make_round() {
  doctor::World here = world();
  const auto domains = co_await parts_.store.directory().list_domains();
  if (!domains) co_return;
  std::vector<std::string> names;
  for (const store::Domain& one : *domains) names.push_back(one.name);
  std::vector<doctor::Finding> findings;
  for (doctor::Step& step : doctor::steps_for(names)) {
    if (stopping_) co_return;
    auto found = co_await doctor::make_step(here, std::move(step));
    doctor::append(findings, std::move(found));
  }
  count(findings);
  co_await note_certificate(findings);
  {
    const std::scoped_lock lock(mutex_);
    examined_ = {millis(system_clock().wall()), findings};
  }
  std::string key(doctor::kFoundSetting);
  const auto before = co_await parts_.store.upkeep().get_setting(std::move(key));
  if (!before) co_return; // what was told is not known: nothing is told twice
  doctor::Changes changes = doctor::compare(doctor::read_told(*before), findings);
  const std::string now_told = doctor::write_told(changes.told);
  doctor::Changes copy = changes;
  co_await tell_hooks(std::move(copy), std::move(names));
  const bool told = co_await tell(std::move(changes));
  if (told && now_told != *before) {
    std::string again(doctor::kFoundSetting), value = now_told;
    const auto kept = co_await parts_.store.upkeep().set_setting(std::move(again), std::move(value));
    if (!kept) log::error("doctor-not-kept", {{"why", kept.error().message}});
  }
  co_await keep_free_space();
}

void DoctorDesk::count(const std::vector<doctor::Finding>& findings) {
  std::array<int, 5> counts{};
  for (const doctor::Finding& one : findings) ++counts.at(static_cast<std::size_t>(one.level));
  for (std::size_t i = 0; i < counts.size(); ++i) parts_.found.at(i) = counts.at(i);
}

/// Since when it has been good: then others may be asked to insist on it (MTA-STS).
Task<void> DoctorDesk::note_certificate(const std::vector<doctor::Finding>& findings) {
  doctor::Level worst = doctor::Level::good;
  for (const doctor::Finding& one : findings)
    if (one.check == "tls") worst = std::max(worst, one.level);
  if (worst == doctor::Level::unknown) co_return;
  std::string key(doctor::kTlsGoodSetting);
  const auto before = co_await parts_.store.upkeep().get_setting(std::move(key));
  const bool good = worst < doctor::Level::unknown;
  if (!before || good == !before->empty()) co_return;
  std::string again(doctor::kTlsGoodSetting);
  std::string value = good ? std::to_string(millis(system_clock().wall())) : std::string();
  const auto kept = co_await parts_.store.upkeep().set_setting(std::move(again), std::move(value));
  if (!kept) log::error("doctor-not-kept", {{"why", kept.error().message}});
}

/// Whoever looks after a domain hears of what changed in its DNS by the feed.
Task<void> DoctorDesk::tell_hooks(doctor::Changes changes, std::vector<std::string> domains) {
  store::Feed& feed = parts_.store.feed();
  const std::string word = "domain.dns_changed";
  const auto tell_one = [&](const std::string& domain, std::string what) {
    std::string kind = word, about = domain;
    return feed.tell(std::move(kind), std::move(about), std::move(what));
  };
  for (const std::string& domain : domains) {
    for (const doctor::Finding& one : changes.worse) {
      if (one.about != domain) continue;
      auto telling = tell_one(domain, one.check + ": " + one.seen);
      co_await std::move(telling);
    }
    for (const std::string& one : changes.better) {
      if (!one.ends_with(" " + domain)) continue;
      auto telling = tell_one(domain, one.substr(0, one.size() - domain.size() - 1) + ": good again");
      co_await std::move(telling);
    }
  }
}

/// How full the disk was a day ago tells how long it will last.
Task<void> DoctorDesk::keep_free_space() {
  const doctor::World here = world();
  if (!here.machine.disk) co_return;
  const doctor::FreeBefore facts{millis(system_clock().wall()), here.machine.disk->free};
  std::string key(doctor::kFreeSetting), value = doctor::write_free(facts);
  const auto kept = co_await parts_.store.upkeep().set_setting(std::move(key), std::move(value));
  if (!kept) log::error("doctor-not-kept", {{"why", kept.error().message}});
}

/// False: the mail about it could not be stored, it is all told again the next time.
Task<bool> DoctorDesk::tell(doctor::Changes changes) {
  if (changes.empty()) co_return true;
  for (const doctor::Finding& one : changes.worse)
    log::warning("doctor-finding", {{"level", doctor::name_of(one.level)},
                                    {"check", one.check},
                                    {"about", one.about},
                                    {"seen", one.seen},
                                    {"means", one.means}});
  for (const std::string& name : changes.better) log::info("doctor-good-again", {{"finding", name}});
  std::string to = co_await operators_address(parts_);
  if (to.empty()) co_return true; // there is nobody to write to
  doctor::Letter letter = doctor::compose(parts_.options.hostname, changes);
  co_return co_await send(std::move(letter), std::move(to));
}

Task<bool> DoctorDesk::send(doctor::Letter letter, std::string to) {
  OwnLetter own{.to = to,
                .subject = std::move(letter.subject),
                .text = std::move(letter.text),
                .note = "findings of the doctor",
                .id = parts_.intake.ids.next()};
  const std::string id = own.id.to_string();
  const auto sent = co_await send_own_letter(parts_, std::move(own));
  // An address that nobody has stays so: it is not told again and again.
  const bool nobody = !sent && sent.error().code == Errc::not_found;
  if (nobody)
    log::warning("doctor-letter", {{"to", to}, {"why", sent.error().message}});
  else
    log::info("doctor-letter", {{"to", to}, {"id", id}, {"why", sent ? "" : sent.error().message}});
  co_return sent || nobody;
}

} // namespace paquebot::service
