#include "service/stranger_desk.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timer.h"
#include "net/endpoint.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace paquebot::service {
namespace {

using policy::Measure;

constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::chrono::seconds kPatience{5};
constexpr unsigned kHelos = 3;       ///< names of one session that the DNS is asked about
constexpr std::size_t kDomains = 20; ///< names whose lists are remembered in one session

bool must_be_reachable(const mail::Address& to) { // RFC 5321 section 4.5.1, RFC 2142 section 4
  return iequals(to.local, "postmaster") || iequals(to.local, "abuse");
}

} // namespace

/// What is being asked. Shared with the questions, which may end after the desk has stopped waiting for them.
struct StrangerDesk::Lookups {
  explicit Lookups(const boost::asio::any_io_executor& executor)
      : deadline(system_clock().now() + kPatience), ended(executor) {}
  policy::ClientFacts facts;
  std::map<std::string, std::vector<policy::ListHit>> domains; ///< names that the lists of domains were asked for
  unsigned helos = 0;                                          ///< names given so far
  bool unknown_helo = false;                                   ///< the last of them
  bool cached = false;                                         ///< the facts came from the cache, or are in it
  unsigned pending = 0;
  std::chrono::steady_clock::time_point deadline;
  Timer ended; ///< cancelled when nothing is pending any more
};

StrangerDesk::StrangerDesk(StrangerMeans means, std::shared_ptr<const policy::StrangerRules> options,
                           boost::asio::any_io_executor executor, std::string address)
    : means_(std::move(means)), options_(std::move(options)), executor_(std::move(executor)),
      address_(std::move(address)), lookups_(std::make_shared<Lookups>(executor_)) {
  stranger_.address = address_;
}

bool StrangerDesk::concerns(const policy::StrangerRules& options, const policy::ListedBook& book,
                            const std::string& address) {
  if (!net::is_ip_address(address)) return false;
  if (const auto listed = book.find_client(address)) return !listed->allow;
  return !options.allow.contains(address);
}

void StrangerDesk::note_block(const policy::Listed* entry, const std::string& from) const {
  log::info("guard", {{"client", address_},
                      {"check", "block"},
                      {"measure", "refuse"},
                      {"from", from},
                      {"entry", entry != nullptr ? entry->what : std::string("configuration")},
                      {"why", entry != nullptr ? entry->reason : std::string()}});
}

mail::Reply StrangerDesk::blocked_client() const {
  const auto listed = means_.book.find_client(address_);
  if (listed ? listed->allow : !options_->block.contains(address_)) return {};
  note_block(listed.get(), {});
  return listed ? policy::blocked_client(address_, *listed) : policy::blocked_client(address_);
}

mail::Reply StrangerDesk::blocked_sender(const mail::Address& from) const {
  const auto listed = means_.book.find_sender(from);
  if (listed ? listed->allow : !policy::names_sender(options_->block_senders, from)) return {};
  const std::string name = from.to_string();
  note_block(listed.get(), name);
  return listed ? policy::blocked_sender(name, *listed) : policy::blocked_sender(name);
}

bool StrangerDesk::is_allowed(const mail::Address& from) const {
  const auto listed = means_.book.find_sender(from);
  return (listed && listed->allow) || policy::names_sender(options_->allow_senders, from);
}

mail::Reply StrangerDesk::greet(bool early) {
  if (mail::Reply blocked = blocked_client(); blocked.code != 0) return blocked;
  const auto wait = means_.rates.connected(address_, options_->rates);
  if (wait.count() > 0) {
    log::info("guard", {{"client", address_}, {"check", "rate"}, {"measure", "defer"}, {"seconds", wait.count()}});
    return {421,
            {4, 7, 0},
            fmt::format("too much from your address lately: try again in {} minutes", 1 + wait.count() / 60)};
  }
  stranger_.early = early;
  if (early && options_->early_talker >= Measure::defer) {
    log::info("guard", {{"client", address_}, {"check", "early-talker"}, {"measure", name_of(options_->early_talker)}});
    return policy::early_reply(options_->early_talker);
  }
  begin();
  return {250, {}, ""};
}

/// Runs one question; the last one to end wakes who waits.
void StrangerDesk::start(Task<void> task) {
  ++lookups_->pending;
  boost::asio::co_spawn(executor_, std::move(task), [lookups = lookups_](std::exception_ptr error) {
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& what) {
        log::error("lookup-broke", {{"why", what.what()}});
      }
    }
    if (--lookups->pending == 0) lookups->ended.cancel();
  });
}

/// All questions about the address at once.
void StrangerDesk::begin() {
  if (!means_.resolver) return;
  if (const auto known = means_.facts.find(address_)) {
    lookups_->facts = *known;
    lookups_->cached = true;
    return;
  }
  std::vector<policy::DnsList> of_domains;
  for (const policy::DnsList& list : options_->lists) {
    if (list.domains)
      of_domains.push_back(list);
    else
      start(look_up_list(means_.resolver, list, address_, lookups_));
  }
  if (options_->reverse_dns != Measure::off || !of_domains.empty())
    start(look_up_reverse(means_.resolver, address_, std::move(of_domains), lookups_));
}

Task<void> StrangerDesk::look_up_reverse(Dns dns, std::string address, std::vector<policy::DnsList> lists,
                                         std::shared_ptr<Lookups> into) {
  Dns names = dns;
  auto found = co_await policy::look_up_names(std::move(names), std::move(address));
  into->facts.reverse = found.first;
  into->facts.name = found.second;
  const std::string domain = policy::listable_domain(found.second);
  if (domain.empty()) co_return;
  for (policy::DnsList& list : lists) {
    Dns resolver = dns;
    std::string name = domain;
    auto hit = co_await policy::ask_list(std::move(resolver), std::move(list), std::move(name));
    if (hit) into->facts.hits.push_back(std::move(*hit));
  }
}

Task<void> StrangerDesk::look_up_domain(Dns dns, policy::DnsList list, std::string name,
                                        std::shared_ptr<Lookups> into) {
  const std::string key = name;
  auto hit = co_await policy::ask_list(std::move(dns), std::move(list), std::move(name));
  if (hit) into->domains[key].push_back(std::move(*hit));
}

/// RFC 5782 section 3, for a name that the client claims. Anybody can claim a good one, so lists of trusted domains are
/// only asked for names that lead back to the client.
void StrangerDesk::ask_domain(const std::string& name) {
  if (name.empty() || !means_.resolver || lookups_->domains.contains(name)) return;
  if (lookups_->domains.size() >= kDomains) lookups_->domains.clear();
  bool asked = false;
  for (const policy::DnsList& list : options_->lists) {
    if (!list.domains || list.score < 0) continue;
    if (!std::exchange(asked, true)) lookups_->domains[name];
    lookups_->deadline = system_clock().now() + kPatience;
    start(look_up_domain(means_.resolver, list, name, lookups_));
  }
}

/// What is known of the client, the name it gave, and the sender of this transaction.
policy::ClientFacts StrangerDesk::facts() const {
  policy::ClientFacts all = lookups_->facts;
  for (const std::string& name : {helo_domain_, sender_domain_}) {
    const auto found = lookups_->domains.find(name);
    if (found != lookups_->domains.end()) all.hits.insert(all.hits.end(), found->second.begin(), found->second.end());
  }
  return all;
}

Task<void> StrangerDesk::look_up_list(Dns dns, policy::DnsList list, std::string address,
                                      std::shared_ptr<Lookups> into) {
  auto hit = co_await policy::ask_list(std::move(dns), std::move(list), std::move(address));
  if (hit) into->facts.hits.push_back(std::move(*hit));
}

Task<void> StrangerDesk::look_up_helo(Dns dns, std::string name, unsigned turn, std::shared_ptr<Lookups> into) {
  const bool known = co_await policy::is_known_host(std::move(dns), std::move(name));
  if (!known && into->helos == turn) into->unknown_helo = true;
}

void StrangerDesk::helo(std::string name, const std::string& hostname, const std::string& here) {
  verdict_.reset();
  helo_ = std::move(name);
  helo_domain_ = policy::listable_domain(helo_);
  ask_domain(helo_domain_);
  stranger_.helo_fault = policy::helo_fault(helo_, address_, hostname, here);
  lookups_->unknown_helo = false;
  const unsigned turn = ++lookups_->helos;
  const bool ask = options_->helo != Measure::off && stranger_.helo_fault.empty() && !helo_.starts_with('[');
  if (!ask || !means_.resolver || turn > kHelos) return;
  lookups_->deadline = system_clock().now() + kPatience;
  start(look_up_helo(means_.resolver, helo_, turn, lookups_));
}

mail::Reply StrangerDesk::mail(const mail::Sender& sender) {
  grey_.reset();
  grey_tag_.clear();
  std::string domain = policy::listable_domain(sender.reverse_path.domain);
  if (domain != sender_domain_) {
    sender_domain_ = std::move(domain);
    ask_domain(sender_domain_);
    if (std::ranges::any_of(options_->lists, &policy::DnsList::domains)) verdict_.reset();
  }
  if (mail::Reply blocked = blocked_client(); blocked.code != 0) return blocked;
  if (means_.rates.message(address_, options_->rates)) return {};
  log::info("guard", {{"client", address_}, {"check", "messages"}, {"measure", "defer"}});
  return {451, {4, 7, 1}, "too many messages from your address lately, please try again later"};
}

Task<void> StrangerDesk::await_facts() {
  const std::shared_ptr<Lookups> lookups = lookups_;
  if (lookups->pending > 0 && system_clock().now() < lookups->deadline) {
    lookups->ended.expires_at(lookups->deadline);
    co_await lookups->ended.async_wait(kTuple);
  }
  if (lookups->pending > 0 || lookups->cached) co_return;
  lookups->cached = true;
  means_.facts.keep(address_, std::make_shared<const policy::ClientFacts>(lookups->facts));
}

void StrangerDesk::note(const policy::StrangerVerdict& verdict) const {
  for (const policy::Finding& finding : verdict.findings)
    log::info("guard", {{"client", address_},
                        {"helo", helo_},
                        {"check", finding.check},
                        {"measure", name_of(finding.measure)},
                        {"why", finding.detail}});
}

Task<mail::Reply> StrangerDesk::recipient(mail::Sender sender, mail::Address to) {
  const mail::Address& from = sender.reverse_path;
  if (mail::Reply blocked = blocked_sender(from); blocked.code != 0) co_return blocked;
  if (!verdict_) {
    co_await await_facts();
    policy::Stranger stranger = stranger_;
    if (lookups_->unknown_helo)
      stranger.helo_fault = fmt::format("\"{}\" in EHLO is unknown to the DNS", printable(helo_, 100));
    verdict_ = policy::judge(*options_, facts(), stranger);
    note(*verdict_);
  }
  if (must_be_reachable(to) || is_allowed(from)) co_return mail::Reply();
  co_return verdict_->reply;
}

/// Nobody is told to wait before the store was asked: he may have waited at another node, or before this one began.
Task<std::chrono::seconds> StrangerDesk::ask_grey_table(policy::GreyTable::Caller caller) {
  const policy::GreylistRules& rules = options_->greylist;
  const auto left = means_.grey.ask(rules, caller, millis(means_.clock.wall()));
  if (left.count() == 0) co_return left;
  std::vector<std::string> keys{caller.network, caller.tuple};
  const auto rows = co_await means_.books.find_greylist(std::move(keys));
  if (!rows) log::error("greylist-unreadable", {{"why", rows.error().message}});
  if (!rows || rows->empty()) co_return left;
  const std::int64_t now = millis(means_.clock.wall());
  means_.grey.learn(*rows, now);
  co_return means_.grey.ask(rules, caller, now);
}

Task<mail::Reply> StrangerDesk::greylist(mail::Sender sender, mail::Address to) {
  const policy::GreylistRules& rules = options_->greylist;
  if (rules.measure == Measure::off || must_be_reachable(to) || is_allowed(sender.reverse_path))
    co_return mail::Reply();
  if (grey_) co_return *grey_; // RFC 6647 section 5, 1: the first recipient is enough
  auto caller = policy::GreyTable::caller(address_, sender.reverse_path.to_string(), to.to_string());
  const auto left = co_await ask_grey_table(std::move(caller));
  grey_ = mail::Reply();
  if (left.count() == 0) co_return *grey_;
  log::info("guard", {{"client", address_},
                      {"check", "greylisting"},
                      {"measure", name_of(rules.measure)},
                      {"from", sender.reverse_path.to_string()},
                      {"seconds", left.count()}});
  if (rules.measure == Measure::tag) grey_tag_ = "greylisting; it came for the first time";
  if (rules.measure >= Measure::defer) grey_ = policy::greylisted(left);
  co_return *grey_;
}

mail::Reply StrangerDesk::fault(unsigned count) {
  if (!means_.rates.fault(address_, count, options_->rates)) return {};
  log::info("guard", {{"client", address_}, {"check", "faults"}, {"measure", "defer"}});
  return {421, {4, 7, 0}, "too many errors from your address, please try again later"};
}

std::vector<std::string> StrangerDesk::tags() const {
  std::vector<std::string> tags;
  if (verdict_) tags = verdict_->tags;
  if (!grey_tag_.empty()) tags.push_back(grey_tag_);
  return tags;
}

std::string StrangerDesk::name() const { return lookups_->facts.name; }

Task<void> StrangerDesk::finish() {
  const std::shared_ptr<Lookups> lookups = lookups_;
  if (lookups->pending == 0) co_return;
  lookups->ended.expires_at(std::chrono::steady_clock::time_point::max());
  co_await lookups->ended.async_wait(kTuple);
}

} // namespace paquebot::service
