#include "service/duties.h"

#include "base/log.h"
#include "intake/pickup.h"
#include "intake/suspects.h"
#include "net/wheel.h"
#include "service/queue_tasks.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::service {

using namespace std::chrono_literals;

Duties::Duties(Assembly& assembly, const bool& stopping)
    : parts_(assembly), stopping_(stopping), house_(assembly.store.upkeep(), system_clock(), house()),
      reports_(assembly.store.upkeep(), system_clock(), reports()),
      orders_(assembly.store.upkeep(), system_clock(), orders()) {}

/// In the order in which those are made that are due at the same time. Names of what one node does for all are those of
/// its lease.
std::vector<Round> Duties::house() {
  using By = Round::By;
  return {
      {"clock", 0s, 0s, By::each, [this] { return tend_clock(); }},
      {"saving", 5s, 5s, By::each, [this] { return save(); }},
      {"suspects", 1s, 10s, By::each, [this] { return attend_suspects(false); },
       [this] { return suspicions_changed(); }},
      {"suspensions", 0s, 5s, By::each, [this] { return attend_suspensions(); }},
      {"certificate", 0s, 10s, By::each, [this] { return tell_of_certificate(); }},
      {"traffic", 0s, 30s, By::each, [this] { return count_hours(); }},
      {"queue", 60s, 60s, By::each, [this] { return look_at_queue(); }},
      {"upkeep", 1s, 10s, By::one, [this] { return maintain(); }},
      {"expiry", 1s, 10s, By::one, [this] { return expire_mail(); }},
  };
}

std::vector<Round> Duties::reports() {
  return {
      {"report-books", 0s, 60s, Round::By::each, [this] { return parts_.write_reports(); }},
      {"dmarc", 0s, 60s, Round::By::one, [this] { return send_reports(); }},
  };
}

std::vector<Round> Duties::orders() {
  return {{kCertificateLease, 1s, 5s, Round::By::one, [this] { return parts_.ordered->round(); }}};
}

Task<void> Duties::tend_certificates() {
  co_await parts_.ordered->refresh();
  co_await orders_.run(stopping_);
}

Task<void> Duties::keep_house() {
  co_await parts_.clock_keeper.tick();
  intake::Patience& patience = parts_.names.verifier->patience;
  co_await parts_.intake.patience_keeper.load(patience); // once the clock is known
  co_await house_.run(stopping_);
  co_await save();
}

Task<void> Duties::report_dmarc() {
  while (!stopping_ && !parts_.clock.state().begun) { // until then no day has passed
    auto rest = 100ms;
    co_await net::sleep_for(rest);
  }
  co_await reports_.run(stopping_);
}

/// What is due by a time that has turned out to be wrong is not due by this one.
Task<void> Duties::tend_clock() {
  co_await parts_.clock_keeper.tick();
  const bool set_back = parts_.clock.set_back();
  const bool went_back = parts_.clock_keeper.went_back();
  if (set_back || went_back) co_await load_queue();
}

Task<void> Duties::save() {
  co_await parts_.strangers.grey_keeper.save();
  co_await parts_.accounts.keeper.save();
  intake::Patience& patience = parts_.names.verifier->patience;
  co_await parts_.intake.patience_keeper.save(patience);
}

bool Duties::suspicions_changed() {
  const std::uint64_t now = parts_.store.books().suspicion_generation();
  return std::exchange(suspicions_, now) != now;
}

Task<void> Duties::attend_suspects(bool all) {
  intake::IntakeMeans services = parts_.services();
  std::string hostname = parts_.options.hostname;
  directory::Directory& directory = parts_.accounts.directory;
  co_await intake::attend_suspects(services, directory, std::move(hostname), all);
}

Task<void> Duties::attend_suspensions() {
  queue::Suspensions::Order order = [this](store::QueueAction action, store::QueueFilter filter, std::string who) {
    return parts_.intake.queue.orders().operate(action, std::move(filter), std::move(who));
  };
  queue::Suspensions& suspensions = parts_.intake.queue.suspensions();
  const auto done = co_await suspensions.attend(std::move(order));
  if (!done && done.error().code != Errc::closed) log::error("suspensions-failed", {{"why", done.error().message}});
}

Task<void> Duties::tell_of_certificate() {
  for (const CertificateWatch::Problem& problem : parts_.certificate.due(millis(system_clock().wall())))
    log::warning("certificate-problem", {{"certificate", problem.file}, {"why", problem.why}});
  co_return;
}

Task<void> Duties::count_hours() {
  parts_.hours.note(millis(system_clock().wall()));
  co_return;
}

Task<void> Duties::maintain() {
  for (bool more = true; more && !stopping_;) {
    std::int64_t now = millis(parts_.clock.settled());
    auto slice = co_await parts_.store.upkeep().maintain(now);
    more = slice && *slice;
  }
}

/// One round over the mailboxes, in slices: what is older than mailbox.expire_days goes.
Task<void> Duties::expire_mail() {
  const auto days = parts_.current()->expire_days;
  if (days == 0) co_return;
  const std::int64_t before = millis(parts_.clock.settled()) - std::int64_t{days} * 24 * 3600 * 1000;
  for (bool more = true; more && !stopping_;) {
    std::string why = fmt::format("expired after {} days", days);
    auto slice = co_await parts_.store.mailboxes().expire_entries(before, std::move(why));
    if (!slice) log::error("expiry-failed", {{"why", slice.error().message}});
    if (slice && slice->removed > 0) log::info("expired", {{"messages", slice->removed}});
    more = slice && slice->more;
  }
}

Task<void> Duties::send_reports() {
  delivery::DmarcSending how = parts_.current()->dmarc_reports;
  co_await parts_.deliveries.dmarc_reporter->round(std::move(how));
  delivery::TlsSending on_tls = parts_.current()->tls_reports;
  co_await parts_.deliveries.tls_reporter->round(std::move(on_tls));
}

Task<void> Duties::pick_up_drops() {
  intake::DropDesk desk(parts_.options.drop_directory);
  while (!stopping_) {
    auto now = parts_.current();
    intake::IntakeMeans services = parts_.services();
    const intake::Options& intake_options = now->intake;
    directory::Directory& directory = parts_.accounts.directory;
    std::size_t taken = co_await intake::pick_up(desk, services, directory, intake_options);
    if (taken > 0) continue;
    auto rest = 500ms;
    co_await net::sleep_for(rest);
  }
}

Task<void> Duties::begin_queue() {
  co_await attend_suspects(true);
  co_await load_queue();
}

Task<void> Duties::load_queue() {
  while (!stopping_) {
    const auto loaded = co_await parts_.intake.queue.load();
    if (loaded) co_return;
    log::error("queue-unreadable", {{"why", loaded.error().message}});
    auto rest = 500ms;
    co_await net::sleep_for(rest);
  }
}

/// Where there are other nodes, they may have left work of which nobody told.
Task<void> Duties::look_at_queue() {
  const auto nodes = co_await parts_.store.upkeep().list_nodes();
  if (nodes && nodes->size() > 1) co_await load_queue();
}

Task<void> Duties::attend_drain(std::function<void(bool drained)> told) {
  const auto nodes = co_await parts_.store.upkeep().list_nodes();
  if (!nodes) co_return;
  const bool drained = std::ranges::any_of(*nodes, [](const store::NodeFacts& one) { return one.own && one.drained; });
  if (std::exchange(drained_, drained) == drained) co_return;
  log::info("drained", {{"now", drained ? "yes" : "no"}});
  told(drained);
  co_await parts_.intake.queue.orders().drain(drained);
  if (drained) parts_.store.upkeep().hand_over();
}

Task<void> Duties::wake_routes(std::vector<std::string> destinations) {
  store::QueueStore& waiting = parts_.store.queue();
  co_await retry_routes(waiting, std::move(destinations));
  co_await load_queue();
}

} // namespace paquebot::service
