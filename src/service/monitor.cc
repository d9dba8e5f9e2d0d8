#include "service/monitor.h"

#include "doctor/finding.h"
#include "service/process_facts.h"
#include "service/status.h"

#include <algorithm>
#include <filesystem>

namespace paquebot::service {
namespace {

using metrics::Gauge;
using metrics::gauge;

/// Of held mail so much is counted.
constexpr std::size_t kMostSites = 20'000;

double number_of(const control::json::object& object, std::string_view name) {
  return static_cast<double>(control::get_number(object, name));
}

/// When the first of them ends, in milliseconds since 1970; 0: that is not known of any.
std::int64_t first_end(const control::json::value& shown) {
  std::int64_t first = 0;
  const auto look = [&first](const control::json::value& one) {
    const std::int64_t end = control::get_time(one, "not_after");
    if (end != 0 && (first == 0 || end < first)) first = end;
  };
  if (!shown.is_array())
    look(shown);
  else
    for (const auto& one : shown.as_array()) look(one);
  return first;
}

} // namespace

Task<std::string> Monitor::text() {
  co_await look_at_queue();
  co_return metrics::metrics_text(gauges());
}

/// One asks for all who come meanwhile; these have what was known before.
Task<void> Monitor::look_at_queue() {
  const Instant now = system_clock().now();
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.known && now - asked_ < kQueueAge) co_return;
    asked_ = now;
  }
  store::QueueStore& queue = parts_.store.queue();
  const auto destinations = co_await queue.list_destinations(true);
  store::QueueFilter all;
  std::optional<Ulid> first;
  const auto oldest = co_await queue.list(std::move(all), first, 1);
  const auto held = co_await queue.count_held();
  if (!destinations || !oldest || !held) co_return;
  Waiting found{.held = *held, .known = true};
  const std::int64_t wall = millis(system_clock().wall());
  for (const store::DestinationFacts& one : *destinations) {
    found.recipients += one.waiting;
    if (one.backoff_until > wall) ++found.failing;
  }
  if (!oldest->empty()) found.oldest = oldest->front().message.accepted_at;
  const std::scoped_lock lock(mutex_);
  waiting_ = found;
}

std::vector<Gauge> Monitor::gauges() {
  std::vector<Gauge> all;
  all.push_back({.name = "paquebot_build_info",
                 .help = "1; the version is in the label.",
                 .values = {{.labels = {{"version", parts_.options.version}}, .value = 1}}});
  all.push_back(gauge("paquebot_connections", "Sessions of clients now.", door_.count()));
  add_queue(all);
  add_sites(all);
  add_store(all);
  if (const auto ends = first_end(parts_.certificate.status(millis(system_clock().wall()))); ends != 0)
    all.push_back(gauge("paquebot_certificate_expiry_timestamp_seconds",
                        "When the first certificate ends, seconds since 1970.", static_cast<double>(ends) / 1000));
  add_findings(all);
  for (Gauge& one : process_gauges("/proc/self")) all.push_back(std::move(one));
  return all;
}

/// Nothing before there was a round.
void Monitor::add_findings(std::vector<Gauge>& all) const {
  Gauge findings{.name = "paquebot_doctor_findings", .help = "What the last daily round of the doctor found."};
  for (std::size_t i = 0; i < parts_.found.size(); ++i)
    if (const int number = parts_.found.at(i); number >= 0)
      findings.values.push_back(
          {{{"level", std::string(doctor::name_of(static_cast<doctor::Level>(i)))}}, static_cast<double>(number)});
  if (!findings.values.empty()) all.push_back(std::move(findings));
}

void Monitor::add_queue(std::vector<Gauge>& all) {
  Waiting waiting;
  {
    const std::scoped_lock lock(mutex_);
    waiting = waiting_;
  }
  const auto numbers = parts_.intake.queue.numbers();
  Gauge states{.name = "paquebot_queue_recipients",
               .help = "Recipients in the queue: waiting in the store, held there, ready in memory."};
  if (waiting.known) states.values.push_back({{{"state", "waiting"}}, static_cast<double>(waiting.recipients)});
  if (waiting.known) states.values.push_back({{{"state", "held"}}, static_cast<double>(waiting.held)});
  states.values.push_back({{{"state", "ready"}}, static_cast<double>(numbers.ready)});
  all.push_back(std::move(states));
  all.push_back(gauge("paquebot_queue_workers", "Deliveries under way.", static_cast<double>(numbers.workers)));
  all.push_back(gauge("paquebot_queue_destinations", "Destinations that mail waits for.",
                      static_cast<double>(numbers.destinations)));
  if (!waiting.known) return;
  all.push_back(gauge("paquebot_queue_destinations_failing",
                      "Destinations that could not be reached and are tried later.",
                      static_cast<double>(waiting.failing)));
  const std::int64_t now = millis(system_clock().wall());
  const double age =
      waiting.oldest == 0 ? 0 : static_cast<double>(std::max<std::int64_t>(0, now - waiting.oldest)) / 1000;
  all.push_back(gauge("paquebot_queue_oldest_seconds", "Age of the oldest message that is not done.", age));
}

void Monitor::add_sites(std::vector<Gauge>& all) const {
  const std::int64_t now = millis(system_clock().wall());
  std::size_t paused = 0, slowed = 0, waiting = 0;
  const auto sites = parts_.intake.queue.posts().sites(kMostSites);
  for (const queue::Posts::Shown& site : sites) {
    paused += site.learned.pause_until > now ? 1 : 0;
    slowed += site.learned.interval > 0 ? 1 : 0;
    waiting += site.waiting;
  }
  all.push_back(gauge("paquebot_sites", "Mail hosts of others of which something was learnt, or that mail waits for.",
                      static_cast<double>(sites.size())));
  all.push_back(gauge("paquebot_sites_paused", "Sites that get nothing for now.", static_cast<double>(paused)));
  all.push_back(
      gauge("paquebot_sites_slowed", "Sites whose messages go one after the other.", static_cast<double>(slowed)));
  all.push_back(gauge("paquebot_sites_waiting", "Destinations that wait for room at a site, or for its pause.",
                      static_cast<double>(waiting)));
  add_providers(all);
}

void Monitor::add_providers(std::vector<Gauge>& all) const {
  Gauge open{.name = "paquebot_provider_deliveries", .help = "Deliveries under way to a provider."};
  Gauge waits{.name = "paquebot_provider_waiting", .help = "Destinations that wait at the sites of a provider."};
  Gauge rules{.name = "paquebot_provider_rules", .help = "What rules do to a provider for now."};
  for (const queue::Shaping::Shown& one : parts_.intake.queue.shaping().providers()) {
    open.values.push_back({{{"provider", one.provider.name}}, static_cast<double>(one.workers)});
    waits.values.push_back({{{"provider", one.provider.name}}, static_cast<double>(one.waiting)});
    rules.values.push_back({{{"provider", one.provider.name}}, static_cast<double>(one.effects.size())});
  }
  all.push_back(std::move(open));
  all.push_back(std::move(waits));
  all.push_back(std::move(rules));
}

void Monitor::add_store(std::vector<Gauge>& all) const {
  Gauge files{.name = "paquebot_store_bytes", .help = "Size of the files of the store."};
  const std::filesystem::path folder = parts_.options.data_directory;
  for (const auto& [label, name] : {std::pair("main", "paquebot.db"), std::pair("main_log", "paquebot.db-wal"),
                                    std::pair("bulk", "bulk.db"), std::pair("bulk_log", "bulk.db-wal"),
                                    std::pair("search", "search.db"), std::pair("search_log", "search.db-wal")}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(folder / name, error);
    if (!error) files.values.push_back({{{"file", label}}, static_cast<double>(size)});
  }
  all.push_back(std::move(files));
  if (const auto index = parts_.search.index.facts(); index.state != search::IndexFacts::State::off) {
    all.push_back(gauge("paquebot_search_messages", "Messages that the index for searches knows.",
                        static_cast<double>(index.messages)));
    all.push_back(
        gauge("paquebot_search_behind", "Messages that it has not looked at yet.", static_cast<double>(index.behind)));
    all.push_back(gauge("paquebot_search_failing", "1: it can't be kept; the log says why.",
                        index.state == search::IndexFacts::State::failing ? 1 : 0));
  }
  const auto disk = disk_status(parts_.options.data_directory);
  if (disk.empty()) return;
  all.push_back(gauge("paquebot_disk_free_bytes", "Room on the disk of the data directory.", number_of(disk, "free")));
  all.push_back(gauge("paquebot_disk_size_bytes", "Size of that disk.", number_of(disk, "size")));
}

} // namespace paquebot::service
