#include "delivery/connector.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "delivery/connector_words.h"
#include "delivery/dane.h"
#include "delivery/host_answers.h"
#include "net/own_addresses.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace paquebot::delivery {
namespace {

constexpr std::size_t kAddressesPerHost = 6;
constexpr int kTriesPerAttempt = 12;
/// Hosts of equal preference that are looked up before the first of them is tried: are we among them?
constexpr std::size_t kLookedAhead = 6;

std::uint32_t random32() {
  std::string bytes = random_bytes(4);
  std::uint32_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

bool is_address(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         (!host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

/// What needs no question: an address, a path, and localhost, which is never one for the DNS (RFC 6761 section 6.3).
std::vector<std::string> known_addresses(const std::string& host) {
  if (host == "localhost") return {"127.0.0.1", "::1"};
  if (is_address(host) || host.starts_with('/')) return {host};
  return {};
}

mail::Reply off(const std::string& host, std::string_view family) {
  return {550, {5, 4, 4}, host + " is an address of " + std::string(family) + ", which is switched off here"};
}

mail::Reply home_again(const std::string& host) {
  return {
      554, {5, 4, 6}, "the best mail host, " + host + ", leads back to this server, which does not have the domain"};
}

/// Nobody answered (RFC 3463 section 3.5, X.4.1): what a server said on the way is the better reason to tell.
bool says_little(const mail::Told& failure) {
  const mail::EnhancedCode& status = failure.verdict().enhanced;
  return status.subject == 4 && status.detail == 1;
}

} // namespace

Connector::Connector(boost::asio::any_io_executor executor, net::Wheel& wheel, std::shared_ptr<dns::Resolver> resolver,
                     ConnectorOptions options, std::unique_ptr<Dial> dial)
    : executor_(std::move(executor)), resolver_(std::move(resolver)), options_(std::move(options)),
      dial_(std::move(dial)) {
  if (!dial_) dial_ = std::make_unique<SocketDial>(executor_, wheel);
}

Task<queue::Plan> Connector::plan_for(std::string destination, const queue::RouteTable& routes, mail::TlsWish wish) {
  queue::PlanInput input;
  input.require_tls = wish == mail::TlsWish::required;
  input.dane = options_.dane && wish != mail::TlsWish::not_required;
  input.domain = destination;
  input.our_name = to_lower(options_.hostname);
  input.port = options_.port;
  input.random = random32();
  if (destination.starts_with("route:")) {
    input.route = routes.by_name(std::string_view(destination).substr(6));
    if (!input.route) {
      queue::Plan none;
      none.failure = mail::Reply(451, {4, 3, 5}, "the route " + destination.substr(6) + " is no longer configured");
      co_return none;
    }
    co_return queue::plan(input);
  }
  if (destination.starts_with('[')) co_return queue::plan(input);
  dns::Resolver& resolver = *resolver_;
  auto answer = co_await resolver.query(destination, dns::Type::mx);
  input.mx = answer.get();
  StsFinding policy; // outlives the input
  const bool known = answer->status == dns::Status::ok || answer->status == dns::Status::no_data;
  if (policies_ && known && wish != mail::TlsWish::not_required) {
    StsBook& book = *policies_;
    std::string domain = destination;
    policy = co_await book.ask(std::move(domain));
    input.sts = policy.policy.get();
  }
  queue::Plan plan = queue::plan(input);
  plan.sts = policy.policy;
  plan.counted = wish != mail::TlsWish::not_required;
  note_policy(plan, policy);
  co_return plan;
}

/// Those of the configuration that the plan's source has an address of.
Connector::Families Connector::families_of(const queue::Plan& plan) const {
  const queue::Source* const source = plan.source;
  return {.ipv4 = options_.ipv4 && (source == nullptr || !source->ipv4.empty()),
          .ipv6 = options_.ipv6 && (source == nullptr || !source->ipv6.empty())};
}

/// The state of one open().
struct Connector::Search {
  const queue::Plan& plan;
  const Tried& tried;
  const HostBook& hosts;
  AtDoors& at;
  HostAnswers dns;
  std::chrono::steady_clock::time_point now = system_clock().now();
  Reached last{};
  bool temporary = false; ///< some host may work later
  bool hostless = true;   ///< no host has an address
  bool own_fault = false; ///< some host could not be tried for a reason of our own
  bool silent = false;    ///< of Reached
  std::string full{};     ///< of Reached
  int tries = 0;
  mail::Told said{};                                                ///< by the last address
  std::vector<std::pair<queue::Candidate, std::string>> doubtful{}; ///< for when all others have failed

  void fails(mail::Told told, queue::Cause cause = queue::Cause::none) {
    last.failure = std::move(told);
    last.cause = cause;
  }
};

/// Addresses of a host, of the families that we have, rotated; `failure` says why there are none.
Task<std::vector<std::string>> Connector::addresses_of(Search& search, std::string host, NoAddress& failure) {
  std::vector<std::string> found = known_addresses(host);
  const Families families = families_of(search.plan);
  if (!found.empty()) {
    std::erase_if(found, [&](const std::string& address) {
      if (address.starts_with('/')) return false;
      return address.find(':') == std::string::npos ? !families.ipv4 : !families.ipv6;
    });
    if (found.empty()) failure.why = off(host, is_address(host) && families.ipv4 ? "IPv6" : "IPv4");
    co_return found;
  }
  const HostAnswers::Both both = co_await search.dns.look_up(host);
  const auto four = both.four, six = both.six;
  std::uint32_t turn = random32();
  for (const auto& answer : {six, four}) {
    std::vector<std::string> some;
    for (const dns::Record& record : answer->records) some.push_back(record.text);
    if (!some.empty()) std::ranges::rotate(some, some.begin() + static_cast<std::ptrdiff_t>(turn % some.size()));
    if (some.size() > kAddressesPerHost / 2) some.resize(kAddressesPerHost / 2);
    found.insert(found.end(), some.begin(), some.end());
  }
  if (found.empty()) {
    bool temporary = four->status == dns::Status::servfail || six->status == dns::Status::servfail;
    failure.cause = four->own_fault || six->own_fault ? queue::Cause::ours : queue::Cause::none;
    const std::string& why = four->why.empty() ? six->why : four->why;
    failure.why =
        temporary ? mail::Reply(451, {4, 4, 3}, "the DNS gave no address for " + host + (why.empty() ? "" : ": " + why))
                  : mail::Reply(550, {5, 4, 4},
                                "the mail host " + host + " has no address" +
                                    (!families.ipv6   ? " of IPv4, and IPv6 is switched off here"
                                     : !families.ipv4 ? " of IPv6, and IPv4 is switched off here"
                                                      : ""));
  }
  co_return found;
}

/// Whether some address of the host is one where we listen. `known`: false when the DNS can't say.
Task<bool> Connector::is_ours(Search& search, const queue::Candidate& candidate, bool& known) {
  std::vector<std::string> addresses = known_addresses(candidate.host);
  known = true;
  if (addresses.empty()) {
    std::string host = candidate.host;
    const HostAnswers::Both both = co_await search.dns.look_up(host);
    known = both.four->status != dns::Status::servfail && both.six->status != dns::Status::servfail;
    for (const auto& answer : {both.four, both.six})
      for (const dns::Record& record : answer->records) addresses.push_back(record.text);
  }
  co_return std::ranges::any_of(addresses, [&](const std::string& address) {
    return net::leads_to({address, candidate.port}, options_.listeners);
  });
}

/// RFC 5321 section 5.1: a host that is ourselves is left out, with all of the same preference and behind it. By its
/// name it was; here it is known by its addresses, before the first of its group is tried.
Task<bool> Connector::leads_back(Search& search, std::size_t index) {
  const queue::Plan& plan = search.plan;
  if (plan.route != nullptr || options_.listeners.empty()) co_return false;
  const std::vector<queue::Candidate>& all = plan.candidates;
  const std::uint16_t preference = all[index].preference;
  const bool first = index == 0 || all[index - 1].preference != preference;
  const std::size_t end = first ? std::min(all.size(), index + kLookedAhead) : index + 1;
  for (std::size_t i = index; i < end && all[i].preference == preference; ++i) {
    bool known = true;
    const bool ours = co_await is_ours(search, all[i], known);
    if (ours) co_return true;
    if (!known) break; // one whose DNS is silent must not hold up all others
  }
  co_return false;
}

Task<Reached> Connector::open(const queue::Plan& plan, const Tried& tried, const HostBook& hosts, AtDoors at) {
  const Families families = families_of(plan);
  HostAnswers dns(*resolver_, families.ipv4, families.ipv6);
  Search search{.plan = plan, .tried = tried, .hosts = hosts, .at = at, .dns = std::move(dns)};
  search.fails(own_word(mail::Reply(451, {4, 4, 1}, "no mail host could be reached")));
  bool done = false;
  for (std::size_t i = 0; i < plan.candidates.size() && !done; ++i) {
    const queue::Candidate& candidate = plan.candidates[i];
    if (!search.full.empty() && candidate.preference != plan.candidates[i - 1].preference) break;
    if (i > 0 && search.dns.taken() >= options_.dns_most) {
      search.temporary = true; // one of the others may take it, another time
      break;
    }
    const bool back = co_await leads_back(search, i);
    if (back && i == 0) search.fails(own_word(home_again(candidate.host)));
    if (back) search.hostless = false;
    if (back) break;
    done = co_await try_host(search, candidate);
  }
  for (std::size_t i = 0; i < search.doubtful.size() && !done && search.full.empty(); ++i) {
    std::string address = search.doubtful[i].second;
    const queue::Candidate& candidate = search.doubtful[i].first;
    done = co_await try_address(search, candidate, address);
    search.temporary = search.temporary || search.said.transient();
  }
  // More hosts than are looked at; a route of the configuration that can be mended.
  search.temporary =
      search.temporary || !search.full.empty() || (search.hostless && (plan.more_hosts || plan.route != nullptr));
  mail::Told& failure = search.last.failure;
  if (!search.last.peer && search.temporary && failure.permanent()) {
    const std::string why = failure.own.code != 0 ? failure.own.text : "another host may take it later";
    failure.own = mail::Reply(451, {4, 4, 1}, why);
    const bool lacking = search.last.cause == queue::Cause::unprotected; // there; another host may give it later
    search.last.cause = lacking ? queue::Cause::tls_missing : queue::Cause::unreached;
  }
  if (!search.last.peer && search.own_fault && !failure.permanent()) search.last.cause = queue::Cause::ours;
  search.last.silent = search.silent;
  search.last.full = std::move(search.full);
  co_return std::move(search.last);
}

/// Adds to what a host must show what TLSA records ask for. False: that can't be found out, and so it is not tried
/// (RFC 7672 section 2.1.2).
Task<bool> Connector::protect(Search& search, queue::Candidate& candidate) {
  if (!search.plan.dane || !search.plan.next_hop) co_return true;
  const queue::NextHop& next_hop = *search.plan.next_hop;
  std::string host = candidate.host;
  const std::uint16_t port = candidate.port;
  const DaneFinding found = co_await find_dane(search.dns, std::move(host), port, next_hop);
  settle_need(candidate, found, next_hop);
  if (found.kind != DaneFinding::Kind::unknown) co_return true;
  if (found.bogus) {
    const mailauth::TlsPolicy policy{.type = mailauth::TlsPolicyType::tlsa};
    note_trouble(search.plan, candidate.host,
                 {.policy = policy, .result = mailauth::TlsResult::dnssec_invalid, .reason = found.why});
  }
  search.temporary = true;
  search.own_fault = search.own_fault || found.own_fault;
  if (says_little(search.last.failure)) {
    const std::string why = "the DNS can't say how " + candidate.host + " is to be known (DANE): " + found.why;
    search.fails(own_word(mail::Reply(451, {4, 4, 3}, why)), found.own_fault ? queue::Cause::ours : queue::Cause::none);
  }
  co_return false;
}

Task<DaneFinding> Connector::dane_of(const queue::Plan& plan, const queue::Candidate& candidate) {
  const Families families = families_of(plan);
  HostAnswers dns(*resolver_, families.ipv4, families.ipv6);
  const queue::NextHop& next_hop = *plan.next_hop;
  std::string host = candidate.host;
  const std::uint16_t port = candidate.port;
  DaneFinding found = co_await find_dane(dns, std::move(host), port, next_hop);
  co_return found;
}

Task<Needs> Connector::needs_of(const queue::Plan& plan, std::vector<std::string> hosts) {
  const Families families = families_of(plan);
  HostAnswers dns(*resolver_, families.ipv4, families.ipv6);
  Needs needs;
  for (const queue::Candidate& named : plan.candidates) {
    if (std::ranges::find(hosts, named.host) == hosts.end()) continue;
    queue::Candidate candidate = named;
    if (plan.dane && plan.next_hop) {
      const queue::NextHop& next_hop = *plan.next_hop;
      std::string host = candidate.host;
      const std::uint16_t port = candidate.port;
      const DaneFinding found = co_await find_dane(dns, std::move(host), port, next_hop);
      if (found.kind == DaneFinding::Kind::unknown) continue;
      settle_need(candidate, found, next_hop);
    }
    std::string host = candidate.host;
    needs[std::move(host)] = std::move(candidate);
  }
  co_return needs;
}

/// True when a connection is there.
Task<bool> Connector::try_host(Search& search, const queue::Candidate& named) {
  queue::Candidate candidate = named;
  if (search.tried.hosts.contains(candidate.host)) {
    search.temporary = true;
    co_return false;
  }
  NoAddress failure;
  auto addresses = co_await addresses_of(search, candidate.host, failure);
  if (addresses.empty()) {
    search.temporary |= failure.why.transient();
    search.own_fault |= failure.cause == queue::Cause::ours;
    if (says_little(search.last.failure)) search.fails(own_word(failure.why), failure.cause);
    co_return false;
  }
  search.hostless = false;
  const bool known = co_await protect(search, candidate);
  if (!known) co_return false;
  bool unreached = false, lacking = false;
  for (const std::string& address : addresses) {
    const std::string key = key_of(address, candidate.port);
    auto resting = search.hosts.resting(key, search.now);
    if (resting && says_little(search.last.failure)) search.fails(*resting);
    unreached = unreached || resting || search.tried.addresses.contains(key);
    if (resting || search.tried.addresses.contains(key)) continue;
    if (search.hosts.doubtful(key, search.now)) {
      search.doubtful.emplace_back(candidate, address);
      continue;
    }
    std::string to = address;
    const bool done = co_await try_address(search, candidate, to);
    if (done) co_return true;
    unreached = unreached || search.said.transient();
    lacking = lacking || (candidate.need.onward && search.said.permanent());
  }
  // What a host lacks for REQUIRETLS (RFC 8689) it lacks on each address.
  search.temporary = search.temporary || (unreached && !lacking);
  co_return false;
}

Task<bool> Connector::try_address(Search& search, const queue::Candidate& candidate, std::string address) {
  AtDoors& at = search.at;
  const std::string door = search.plan.route != nullptr ? std::string() : Doors::door_of(address, candidate.port);
  const bool kept = at.kept.door() == door;
  if (!kept && !door.empty() && !at.doors.room(door, at.most)) {
    search.full = door;
    search.said = own_word(mail::Reply(451, {4, 4, 5}, "as many deliveries as may be are under way to this address"));
    co_return false;
  }
  if (++search.tries > kTriesPerAttempt) co_return false;
  DoorHold hold = kept ? std::move(at.kept) : at.doors.enter(door);
  Reached reached = co_await open_one(search.plan, candidate, address);
  if (reached.peer)
    reached.peer->door = std::move(hold);
  else
    hold.leave();
  search.silent = search.silent || is_silence(reached.cause);
  search.said = reached.failure;
  const bool done = reached.peer != nullptr;
  search.own_fault = search.own_fault || reached.cause == queue::Cause::ours;
  auto turned_away = std::move(search.last.turned_away);
  std::ranges::move(reached.turned_away, std::back_inserter(turned_away));
  if (done || says_little(search.last.failure) || !says_little(reached.failure)) search.last = std::move(reached);
  search.last.turned_away = std::move(turned_away);
  co_return done;
}

} // namespace paquebot::delivery
