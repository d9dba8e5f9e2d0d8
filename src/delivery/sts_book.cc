#include "delivery/sts_book.h"

#include "base/log.h"
#include "base/text.h"
#include "base/timer.h"
#include "net/http_client.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>
#include <vector>

namespace paquebot::delivery {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLoadedAtOnce = 200;
constexpr std::size_t kMostRecords = 20;
/// A policy in use is fetched again in a day, and by its domain's name up to three hours earlier, so that those that
/// were fetched together are not fetched together again.
constexpr std::int64_t kAgainMs = 24LL * 3600 * 1000, kSpreadMs = 3LL * 3600 * 1000;

std::string url_of(const std::string& domain, std::uint16_t port) {
  const std::string at = port == 443 ? "" : ":" + std::to_string(port);
  return "https://mta-sts." + domain + at + "/.well-known/mta-sts.txt";
}

std::int64_t spread_of(const std::string& domain) {
  return static_cast<std::int64_t>(std::hash<std::string>{}(domain) % static_cast<std::size_t>(kSpreadMs));
}

bool is_plain_text(const http::Reply& reply) {
  for (const auto& [name, value] : reply.fields) {
    if (!iequals(name, "Content-Type")) continue;
    return iequals(trim(std::string_view(value).substr(0, value.find(';'))), "text/plain");
  }
  return false;
}

std::vector<std::string> texts_of(const dns::Answer& answer) {
  std::vector<std::string> texts;
  for (const dns::Record& record : answer.records)
    if (texts.size() < kMostRecords) texts.push_back(record.text);
  return texts;
}

Task<Result<std::vector<std::string>>> policy_addresses(std::shared_ptr<dns::Resolver> resolver, std::string host) {
  std::vector<std::string> addresses;
  dns::Resolver& asked = *resolver;
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
    std::string name = host;
    const auto answer = co_await asked.query(std::move(name), type);
    for (const dns::Record& record : answer->records)
      if (addresses.size() < 8) addresses.push_back(record.text);
  }
  co_return addresses;
}

} // namespace

std::shared_ptr<net::HttpClient> policy_client(boost::asio::any_io_executor executor, net::Wheel& wheel,
                                               std::shared_ptr<dns::Resolver> resolver, const StsOptions& options) {
  net::HttpClientOptions how;
  how.ca_pem = options.ca_pem;
  how.also = options.allow;
  how.timeout = 60s;
  how.answer.max_content = store::kMaxStsText;
  return std::make_shared<net::HttpClient>(
      std::move(executor), wheel,
      [resolver = std::move(resolver)](std::string host) { return policy_addresses(resolver, std::move(host)); }, how);
}

FetchPolicy fetch_over_https(boost::asio::any_io_executor executor, net::Wheel& wheel,
                             std::shared_ptr<dns::Resolver> resolver, const StsOptions& options) {
  auto client = policy_client(std::move(executor), wheel, std::move(resolver), options);
  return [client = std::move(client)](std::string url) -> Task<Result<http::Reply>> {
    net::HttpRequest request;
    request.url = std::move(url);
    request.fields = {{"User-Agent", "paquebot"}, {"Accept", "text/plain"}};
    return client->send(std::move(request));
  };
}

Task<StsFinding> StsBook::ask(std::string domain) {
  if (!options_.check) co_return StsFinding{.why = "MTA-STS is switched off here"};
  if (!loaded_) co_await load();
  renew_unused();
  const auto known = means_.resolver->known("_mta-sts." + domain, dns::Type::txt);
  const auto entry = entries_.find(domain);
  const std::string id = known ? queue::sts_id(texts_of(*known)).value_or("") : std::string();
  const bool resting = entry != entries_.end() && rests(entry->second);
  const bool settled = resting || (known && (id.empty() || !wants(domain, id, false)));
  if (!settled) {
    auto look = look_at(domain, false);
    const std::chrono::milliseconds patience = kPatience;
    if (look) co_await wait_for(std::move(look), patience);
  }
  co_return in_force(domain);
}

Task<StsFinding> StsBook::refresh(std::string domain) {
  if (!options_.check) co_return StsFinding{.why = "MTA-STS is switched off here"};
  if (!loaded_) co_await load();
  auto look = look_at(domain, true);
  const std::chrono::milliseconds all = 90s;
  if (look) co_await wait_for(std::move(look), all);
  co_return in_force(domain);
}

/// Once; who comes meanwhile waits for it. What can't be read is as if it were not there.
Task<void> StsBook::load() {
  if (loading_) {
    const auto loading = loading_;
    while (!loading->over) co_await loading->done.wait();
    co_return;
  }
  loading_ = std::make_shared<Look>();
  std::string after;
  for (;;) {
    const auto rows = co_await means_.books.load_sts(after, kLoadedAtOnce);
    if (!rows) log::error("sts-policies-unreadable", {{"why", rows.error().message}});
    if (!rows || rows->empty()) break;
    after = rows->back().domain;
    for (const store::StsRow& row : *rows) {
      auto policy = queue::parse_sts_policy(row.text);
      if (!policy || entries_.size() >= kMostDomains || octets_ + row.text.size() > kMostOctets) continue;
      Entry& entry = entries_[row.domain];
      entry.found = {std::make_shared<const queue::StsPolicy>(std::move(*policy)), row.id, row.fetched};
      entry.octets = row.text.size();
      octets_ += entry.octets;
    }
  }
  loaded_ = true;
  loading_->over = true;
  loading_->done.notify_all();
}

/// Policies of domains that no mail goes to now must not be gone when it does (RFC 8461 section 10.2): what has less
/// than two days left, or a quarter of its life, is looked at again. Once an hour, a few at a time.
void StsBook::renew_unused() {
  constexpr std::int64_t kHour = 3600 * 1000LL;
  constexpr std::size_t kAtOnce = kMostFetches / 2; // mail that goes now has the rest
  const std::int64_t at = now();
  if (at >= renewed_at_ && at - renewed_at_ < kHour) return;
  renewed_at_ = at;
  std::vector<std::string> due;
  for (const auto& [domain, entry] : entries_) {
    if (due.size() == kAtOnce) break;
    if (!entry.found.policy || rests(entry)) continue;
    const std::int64_t most = std::chrono::milliseconds(entry.found.policy->max_age).count();
    const std::int64_t left = entry.found.fetched + most - at;
    if (left < std::min(2 * kAgainMs, most / 4)) due.push_back(domain);
  }
  for (const std::string& domain : due) look_at(domain, false);
}

/// Null when too much is under way already.
std::shared_ptr<StsBook::Look> StsBook::look_at(const std::string& domain, bool forced) {
  const auto running = looks_.find(domain);
  if (running != looks_.end()) return running->second;
  if (looks_.size() >= kMostFetches) return nullptr;
  auto state = std::make_shared<Look>();
  state->forced = forced;
  looks_[domain] = state;
  boost::asio::co_spawn(means_.executor, look(shared_from_this(), domain, state), boost::asio::detached);
  return state;
}

Task<void> StsBook::look(std::shared_ptr<StsBook> self, std::string domain, std::shared_ptr<Look> state) {
  std::string name = domain;
  std::shared_ptr<Look> copy = state;
  try {
    co_await self->examine(std::move(name), std::move(copy));
  } catch (const std::exception& error) {
    log::error("sts-policy-failed", {{"domain", domain}, {"why", error.what()}});
  }
  self->looks_.erase(domain);
  state->over = true;
  state->done.notify_all();
}

Task<void> StsBook::examine(std::string domain, std::shared_ptr<Look> state) {
  std::string name = "_mta-sts." + domain;
  const auto answer = co_await means_.resolver->query(std::move(name), dns::Type::txt);
  const auto id = queue::sts_id(texts_of(*answer));
  if (answer->status == dns::Status::servfail) {
    Entry& entry = entry_of(domain);
    if (!entry.found.policy) entry.found.why = "the DNS gave no answer about its policy of MTA-STS";
    entry.failed_until = now() + std::chrono::milliseconds(kFailureRest).count(); // a silent server holds up no mail
    make_room();
  }
  if (!id || !wants(domain, *id, state->forced)) co_return; // what is kept counts on
  const auto known = entries_.find(domain);
  const bool old = known != entries_.end() && known->second.found.policy && known->second.found.id == *id;
  if (old && !state->forced) { // it is good enough for who waits
    state->over = true;
    state->done.notify_all();
  }
  std::string of = *id;
  co_await fetch(std::move(domain), std::move(of));
}

/// It failed lately. (What is further away was written by a clock that was ahead.)
bool StsBook::rests(const Entry& entry) const {
  const std::int64_t at = now();
  return entry.failed_until > at && entry.failed_until <= at + std::chrono::milliseconds(kFailureRest).count();
}

/// Whether its policy is to be fetched.
bool StsBook::wants(const std::string& domain, const std::string& id, bool forced) const {
  const auto row = entries_.find(domain);
  if (forced || row == entries_.end()) return true;
  const StsFinding& found = row->second.found;
  if (rests(row->second)) return false;
  if (!found.policy || found.id != id) return true;
  const std::int64_t half = std::chrono::milliseconds(found.policy->max_age).count() / 2;
  return now() < found.fetched || now() - found.fetched > std::min(kAgainMs - spread_of(domain), half);
}

Task<void> StsBook::fetch(std::string domain, std::string id) {
  std::string url = url_of(domain, options_.port);
  auto reply = co_await means_.fetch(std::move(url));
  Entry& entry = entry_of(domain);
  if (!reply) {
    const StsTrouble trouble = reply.error().code == Errc::io ? StsTrouble::webpki : StsTrouble::fetch;
    co_return fails(entry, trouble, reply.error().message, domain);
  }
  if (reply->status != 200)
    co_return fails(entry, StsTrouble::fetch, "the policy host answers " + std::to_string(reply->status), domain);
  if (!is_plain_text(*reply)) co_return fails(entry, StsTrouble::fetch, "the policy is not text/plain", domain);
  auto policy = queue::parse_sts_policy(reply->content);
  if (!policy)
    co_return fails(entry, StsTrouble::invalid, "the policy is malformed: " + policy.error().message, domain);
  octets_ += reply->content.size() - entry.octets;
  entry.octets = reply->content.size();
  const std::string mode(queue::to_string(policy->mode));
  entry.found = {std::make_shared<const queue::StsPolicy>(std::move(*policy)), id, now()};
  entry.failed_until = 0;
  store::StsRow row{domain, id, std::move(reply->content), entry.found.fetched};
  make_room();
  log::info("sts-policy", {{"domain", domain}, {"id", id}, {"mode", mode}});
  const auto kept = co_await means_.books.save_sts(std::move(row));
  if (!kept) log::warning("sts-policy-not-kept", {{"domain", domain}, {"why", kept.error().message}});
}

void StsBook::fails(Entry& entry, StsTrouble trouble, std::string why, const std::string& domain) {
  log::info("sts-policy-failed", {{"domain", domain}, {"why", why}});
  entry.found.trouble = trouble;
  entry.found.why = std::move(why);
  entry.failed_until = now() + std::chrono::milliseconds(kFailureRest).count();
  make_room();
}

StsBook::Entry& StsBook::entry_of(const std::string& domain) {
  Entry& entry = entries_[domain];
  entry.used = now();
  return entry;
}

/// Those that were used least lately go, from memory only: what is in the store is back after a restart.
void StsBook::make_room() {
  while (entries_.size() > kMostDomains || octets_ > kMostOctets) {
    const auto oldest = std::ranges::min_element(entries_, {}, [](const auto& one) { return one.second.used; });
    octets_ -= oldest->second.octets;
    entries_.erase(oldest);
  }
}

Task<void> StsBook::wait_for(std::shared_ptr<Look> look, std::chrono::milliseconds most) {
  const Instant until = system_clock().now() + most;
  Timer timer(means_.executor, until);
  timer.async_wait([look](const boost::system::error_code& error) {
    if (!error) look->done.notify_all();
  });
  while (!look->over && system_clock().now() < until) co_await look->done.wait();
}

/// What is kept, unless it has expired. A doubted clock lets nothing expire.
StsFinding StsBook::in_force(const std::string& domain) {
  const auto row = entries_.find(domain);
  if (row == entries_.end()) return {.why = "it publishes no policy of MTA-STS"};
  Entry& entry = row->second;
  entry.used = now();
  if (!entry.found.policy) return entry.found;
  const std::int64_t age = std::min(now(), millis(means_.clock.settled())) - entry.found.fetched;
  const std::int64_t most = std::chrono::milliseconds(entry.found.policy->max_age).count();
  if (age <= most) return entry.found;
  octets_ -= std::exchange(entry.octets, 0);
  log::warning("sts-policy-expired", {{"domain", domain}, {"why", entry.found.why}});
  StsFinding gone{.trouble = entry.found.trouble, .why = entry.found.why};
  if (gone.why.empty()) gone.why = "its policy of MTA-STS has expired";
  entry.found = gone;
  const auto drop = [](std::shared_ptr<StsBook> self, std::string name) -> Task<void> {
    const auto dropped = co_await self->means_.books.drop_sts(std::move(name));
    if (!dropped) log::warning("sts-policy-not-kept", {{"why", dropped.error().message}});
  };
  boost::asio::co_spawn(means_.executor, drop(shared_from_this(), domain), boost::asio::detached);
  return gone;
}

} // namespace paquebot::delivery
