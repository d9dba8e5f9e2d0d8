// What waits, what is full, and what is away.

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/house.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::doctor {
namespace {

constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;
constexpr std::size_t kMostDestinations = 10;
constexpr std::size_t kCounted = 1000; ///< of held mail and owed reports

std::vector<Finding> no_store() { return {unseen("The store can't be read from here.")}; }

Finding unreadable(const Error& error) {
  return {.level = Level::wrong,
          .seen = "The store can't be read: " + printable(error.message, 300) + ".",
          .means = "Mail is put off until it can.",
          .advice = "Look at the disk and at the log."};
}

} // namespace

// ---- The queue ----

std::vector<Finding> judge_queue(const QueueFacts& facts, std::int64_t now) {
  std::vector<Finding> findings;
  for (const WaitingFacts& one : facts.destinations) {
    if (one.waiting == 0 || one.failures == 0) continue;
    const std::int64_t age = one.since == 0 ? 0 : now - one.since;
    findings.push_back(
        {.level = age >= kDay ? Level::warning : Level::note,
         .about = one.destination,
         .seen =
             fmt::format("{} for {}{}: {}", counted(one.waiting, "recipient") + (one.waiting == 1 ? " waits" : " wait"),
                         printable(one.destination, 260), one.since == 0 ? "" : " since " + moment(one.since),
                         one.error.empty() ? "no reason is known" : printable(one.error, 300)),
         .advice = "paquebot queue list " + printable(one.destination, 260)});
  }
  if (facts.oldest != 0 && now - facts.oldest >= 2 * kDay)
    findings.push_back({.level = Level::warning,
                        .about = "oldest",
                        .seen = "The oldest mail in the queue has waited for " + span_text(now - facts.oldest) + "."});
  if (facts.held > 0)
    findings.push_back({.level = Level::note,
                        .about = "held",
                        .seen = (facts.held >= kCounted ? "At least " : "") + counted(facts.held, "mail") +
                                (facts.held == 1 ? " is held." : " are held."),
                        .advice = "paquebot queue list --held"});
  if (facts.owed > 0 && facts.oldest_owed != 0 && now - facts.oldest_owed >= kHour)
    findings.push_back({.level = Level::warning,
                        .about = "reports",
                        .seen = counted(facts.owed, "report") + " to senders could not be written for " +
                                span_text(now - facts.oldest_owed) + ".",
                        .advice = "The log tells why (report-failed)."});
  if (findings.empty()) findings.push_back({.level = Level::good, .seen = "The queue flows."});
  return findings;
}

namespace {

/// The oldest message that waits for a destination, by its id.
Task<std::int64_t> oldest_for(store::QueueStore& queue, std::string destination, bool held) {
  store::QueueFilter filter;
  filter.destination = std::move(destination);
  filter.held_only = held;
  std::optional<Ulid> after;
  const auto items = co_await queue.list(filter, after, 1);
  if (!items || items->empty()) co_return 0;
  co_return items->front().message.id.millis();
}

Task<Result<QueueFacts>> read_queue(store::QueueStore& queue) {
  QueueFacts facts;
  auto destinations = co_await queue.list_destinations(true);
  if (!destinations) co_return std::unexpected(destinations.error());
  std::ranges::sort(*destinations, std::greater<>{}, &store::DestinationFacts::waiting);
  for (const store::DestinationFacts& one : *destinations) {
    if (one.waiting == 0 || one.failures == 0 || facts.destinations.size() >= kMostDestinations) continue;
    std::string key = one.key;
    const std::int64_t since = co_await oldest_for(queue, std::move(key), false);
    facts.destinations.push_back({one.key, one.waiting, one.failures, since, one.last_error});
  }
  std::string any;
  facts.oldest = co_await oldest_for(queue, std::move(any), false);
  store::QueueFilter held;
  held.held_only = true;
  std::optional<Ulid> after;
  const auto kept = co_await queue.list(held, after, kCounted);
  if (!kept) co_return std::unexpected(kept.error());
  facts.held = kept->size();
  if (!kept->empty() && facts.oldest == kept->front().message.id.millis()) facts.oldest = 0; // held on purpose
  const auto owed = co_await queue.owed_reports(after, kCounted);
  if (!owed) co_return std::unexpected(owed.error());
  facts.owed = owed->reports.size();
  if (!owed->reports.empty()) facts.oldest_owed = owed->reports.front().message.id.millis();
  co_return facts;
}

} // namespace

Task<std::vector<Finding>> check_queue(Patient& patient) {
  if (patient.world.store == nullptr) co_return no_store();
  store::QueueStore& queue = patient.world.store->queue();
  const Result<QueueFacts> facts = co_await read_queue(queue);
  std::vector<Finding> findings;
  if (facts)
    findings = judge_queue(*facts, millis(patient.world.clock.wall()));
  else
    findings.push_back(unreadable(facts.error()));
  co_return findings;
}

// ---- Disk ----

FreeBefore read_free(std::string_view setting) {
  const auto words = split(setting, ' ');
  if (words.size() != 2) return {};
  return {static_cast<std::int64_t>(parse_u64(words[0]).value_or(0)), parse_u64(words[1]).value_or(0)};
}

std::string write_free(const FreeBefore& facts) { return fmt::format("{} {}", facts.at, facts.free); }

std::vector<Finding> judge_disk(const DiskFacts& disk, const FreeBefore& before, std::int64_t now) {
  std::vector<Finding> findings;
  const double part = disk.size == 0 ? 1 : static_cast<double>(disk.free) / static_cast<double>(disk.size);
  const std::string words =
      fmt::format("{:.1f} GiB of {:.1f} GiB are free on the disk of the store",
                  static_cast<double>(disk.free) / (1u << 30), static_cast<double>(disk.size) / (1u << 30));
  std::int64_t left = 0; // until it is full, as it went lately
  if (before.at != 0 && now - before.at >= kHour && before.free > disk.free)
    left = static_cast<std::int64_t>(static_cast<double>(disk.free) / static_cast<double>(before.free - disk.free) *
                                     static_cast<double>(now - before.at));
  Finding room{.level = Level::good, .seen = words + "."};
  if (left != 0 && left < 14 * kDay) {
    room.level = left < 4 * kDay ? Level::wrong : Level::warning;
    room.seen = words + ", and it fills.";
    room.means = "Mail stops in about " + span_text(left) + ", if it goes on so.";
  } else if (part < 0.1) {
    room.level = part < 0.03 ? Level::wrong : Level::warning;
    room.means = "When the disk is full mail is put off.";
  }
  if (room.level != Level::good) room.advice = "Make room, or let old mail go ([mailbox] expire_days).";
  findings.push_back(std::move(room));
  if (disk.all_inodes != 0 && disk.free_inodes * 20 < disk.all_inodes)
    findings.push_back({.level = Level::warning,
                        .about = "inodes",
                        .seen = fmt::format("{} of {} inodes are free.", disk.free_inodes, disk.all_inodes),
                        .means = "Without them no file can be made: the store can't write its log."});
  return findings;
}

std::vector<Finding> judge_descriptors(const DescriptorFacts& facts) {
  if (facts.used * 5 < facts.most * 4)
    return {{.level = Level::good,
             .about = "descriptors",
             .seen = fmt::format("{} of {} file descriptors are in use.", facts.used, facts.most)}};
  return {{.level = Level::warning,
           .about = "descriptors",
           .seen = fmt::format("{} of {} file descriptors are in use.", facts.used, facts.most),
           .means = "When none is left nobody can connect.",
           .advice = "Raise LimitNOFILE of the unit."}};
}

Task<std::vector<Finding>> check_disk(Patient& patient) {
  std::vector<Finding> findings;
  const World& world = patient.world;
  const std::int64_t now = millis(world.clock.wall());
  if (world.machine.disk) {
    FreeBefore before;
    if (world.store != nullptr) {
      std::string key(kFreeSetting);
      const auto kept = co_await world.store->upkeep().get_setting(std::move(key));
      if (kept) before = read_free(*kept);
    }
    findings = judge_disk(*world.machine.disk, before, now);
  } else {
    findings.push_back(unseen("How full the disk is can't be seen from here."));
  }
  if (world.machine.descriptors) append(findings, judge_descriptors(*world.machine.descriptors));
  co_return findings;
}

// ---- The store ----

std::vector<Finding> judge_store(const StoreFacts& facts, std::int64_t now) {
  std::vector<Finding> findings;
  if (facts.backup == 0) {
    findings.push_back(unseen("paquebot backup was never run: whether there are other backups can't be seen from here.",
                              "Let cron run: paquebot backup /var/backups/paquebot/$(date +%F).backup"));
  } else {
    const bool old = now - facts.backup > 8 * kDay;
    findings.push_back({.level = old ? Level::warning : Level::good,
                        .seen = "The last backup was made " + span_text(now - facts.backup) + " ago.",
                        .means = old ? "What came since would be lost with the disk." : "",
                        .advice = old ? "Let cron run paquebot backup each night." : ""});
  }
  findings.back().about = "backup";
  if (facts.verified == 0) {
    findings.push_back(
        unseen("The store was never verified as a whole.", "paquebot verify (also while the server runs)"));
  } else if (facts.problems > 0) {
    findings.push_back({.level = Level::wrong,
                        .seen = fmt::format("The last verify, {} ago, found {}.", span_text(now - facts.verified),
                                            counted(facts.problems, "problem")),
                        .advice = "paquebot verify tells what to do about each."});
  } else {
    findings.push_back({.level = now - facts.verified > 90 * kDay ? Level::note : Level::good,
                        .seen = "The store was verified " + span_text(now - facts.verified) + " ago and was sound."});
  }
  findings.back().about = "verify";
  if (facts.commit) {
    const auto took = facts.commit->count();
    const bool slow = took >= 500;
    findings.push_back({.level = slow ? Level::warning : Level::good,
                        .about = "sync",
                        .seen = fmt::format("A commit to the disk takes {} ms.", took),
                        .means = slow ? "Each mail waits for one: not many can come at a time." : "",
                        .advice = slow ? "Is the disk busy with something else, or about to fail?" : ""});
  }
  return findings;
}

namespace {

constexpr int kProbes = 3;

/// The fastest of some commits; nothing when the store fails.
Task<std::optional<std::chrono::milliseconds>> time_commits(store::Upkeep& store, const Clock& clock) {
  std::optional<std::chrono::milliseconds> best;
  for (int i = 0; i < kProbes; ++i) {
    const Instant before = clock.now();
    std::string key(kProbeSetting), value = std::to_string(millis(clock.wall())) + "." + std::to_string(i);
    const auto done = co_await store.set_setting(std::move(key), std::move(value));
    if (!done) co_return std::nullopt;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - before);
    best = best ? std::min(*best, took) : took;
  }
  co_return best;
}

} // namespace

Task<std::vector<Finding>> check_store(Patient& patient) {
  if (patient.world.store == nullptr) co_return no_store();
  store::Upkeep& upkeep = patient.world.store->upkeep();
  StoreFacts facts;
  std::string backup_key(kBackupSetting), verify_key(kVerifySetting);
  const auto backup = co_await upkeep.get_setting(std::move(backup_key));
  const auto verified = co_await upkeep.get_setting(std::move(verify_key));
  std::vector<Finding> findings;
  if (!backup || !verified) {
    findings.push_back(unreadable(backup ? verified.error() : backup.error()));
    co_return findings;
  }
  facts.backup = static_cast<std::int64_t>(parse_u64(*backup).value_or(0));
  const auto words = split(*verified, ' ');
  facts.verified = static_cast<std::int64_t>(parse_u64(words.front()).value_or(0));
  if (words.size() > 1) facts.problems = parse_u64(words[1]).value_or(0);
  facts.commit = co_await time_commits(upkeep, patient.world.clock);
  if (!facts.commit)
    findings.push_back({.level = Level::wrong,
                        .about = "sync",
                        .seen = "The store can't be written.",
                        .means = "No mail is taken.",
                        .advice = "Look at the log (store-failed, disk-full)."});
  append(findings, judge_store(facts, millis(patient.world.clock.wall())));
  co_return findings;
}

// ---- Accounts ----

namespace {

constexpr std::size_t kMostAccounts = 500;

Finding held_account(const store::Suspicion& mark) {
  return {.level = Level::warning,
          .about = mark.login,
          .seen = printable(mark.login, 260) + " is held since " + moment(mark.since) + ": " +
                  printable(mark.reason, 300) +
                  (mark.held > 0 ? ", " + counted(mark.held, "recipient") + " wait" : "") + ".",
          .means = "What it sends is kept here.",
          .advice = "paquebot account show " + printable(mark.login, 260) + ", then paquebot account release"};
}

} // namespace

Task<std::vector<Finding>> check_accounts(Patient& patient) {
  if (patient.world.store == nullptr) co_return no_store();
  store::Store& store = *patient.world.store;
  std::vector<Finding> findings;
  const auto marked = co_await store.books().list_suspicions(true);
  if (!marked) {
    findings.push_back(unreadable(marked.error()));
    co_return findings;
  }
  for (const store::Suspicion& mark : *marked) findings.push_back(held_account(mark));
  std::string all;
  const auto accounts = co_await store.directory().list_accounts(std::move(all));
  if (!accounts) {
    findings.push_back(unreadable(accounts.error()));
    co_return findings;
  }
  std::size_t full = 0, first = 0;
  for (std::size_t i = 0; i < std::min(accounts->size(), kMostAccounts); ++i) {
    const store::Account& one = (*accounts)[i];
    if (one.quota == 0 || one.used < one.quota) continue;
    if (full++ == 0) first = i;
  }
  if (full > 0)
    findings.push_back({.level = Level::note,
                        .about = "full",
                        .seen = counted(full, "mailbox") + (full > 1 ? "es" : "") + " at the quota, such as that of " +
                                printable((*accounts)[first].login, 260) + ".",
                        .means = "Mail for them is put off.",
                        .advice = "paquebot account quota"});
  if (findings.empty()) findings.push_back({.level = Level::good, .seen = "No account is held or full."});
  co_return findings;
}

// ---- Programs beside the server ----

Task<std::vector<Finding>> check_programs(Patient& patient) {
  std::vector<Finding> findings;
  const World& world = patient.world;
  if (world.machine.sandbox && !*world.machine.sandbox)
    findings.push_back({.level = Level::warning,
                        .about = "sandbox",
                        .seen = "The sandbox is off.",
                        .means = "Who breaks into the server has all that its user has.",
                        .advice = "Take sandbox = false out of [server]."});
  if (world.machine.filters) {
    for (const FilterFacts& filter : *world.machine.filters) {
      if (!world.reach) break;
      std::string place = filter.place;
      Task<Result<>> call = world.reach(std::move(place), std::chrono::milliseconds(5000));
      const Result<> reached = co_await std::move(call);
      if (reached) continue;
      findings.push_back({.level = filter.needed ? Level::wrong : Level::warning,
                          .about = filter.name,
                          .seen = "The filter \"" + printable(filter.name, 60) + "\" is away (" +
                                  printable(filter.place, 200) + "): " + printable(reached.error().message, 200) + ".",
                          .means = filter.needed ? "Mail is put off until it is back." : "Mail comes in unlooked at.",
                          .advice = "Start it."});
    }
  }
  if (!world.machine.sandbox && !world.machine.filters)
    findings.push_back(unseen("Filters and the sandbox are known to a running server only."));
  else if (findings.empty())
    findings.push_back({.level = Level::good, .seen = "The sandbox is on, and every filter answers."});
  co_return findings;
}

} // namespace paquebot::doctor
