#include "delivery/connector.h"

#include "base/encoding.h"
#include "base/text.h"

#include <algorithm>
#include <cstring>

namespace paquebot::delivery {
namespace {

constexpr std::size_t kAddressesPerHost = 6;
constexpr int kTriesPerAttempt = 12;

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

mail::Told own_word(mail::Reply reply, std::string place = {}) {
  return mail::Told::by(std::move(reply), {}, std::move(place));
}

/// A host that refuses in its greeting may be meant only for us or only for now: temporary, but for the codes that say
/// that it never takes mail (RFC 7504).
void soften(mail::Told& failure) {
  if (failure.peer.code == 521 || failure.peer.code == 556 || !failure.permanent()) return;
  failure.own = mail::Reply(451, {4, 4, 2}, "the server refused the session");
}

/// Nobody answered (RFC 3463 section 3.5, X.4.1): what a server said on the way is the better reason to tell.
bool says_little(const mail::Told& failure) {
  const mail::EnhancedCode& status = failure.verdict().enhanced;
  return status.subject == 4 && status.detail == 1;
}

} // namespace

Connector::Connector(boost::asio::any_io_executor executor, net::Wheel& wheel, std::shared_ptr<dns::Resolver> resolver,
                     ConnectorOptions options)
    : executor_(std::move(executor)), wheel_(wheel), resolver_(std::move(resolver)), options_(std::move(options)) {
  auto context = net::TlsContext::client(false);
  if (context) opportunistic_ = *context;
}

Task<queue::Plan> Connector::plan_for(std::string destination, const queue::RouteTable& routes, bool require_tls) {
  queue::PlanInput input;
  input.require_tls = require_tls;
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
  co_return queue::plan(input);
}

/// Addresses of a host, both families, rotated; `failure` says why there are none.
Task<std::vector<std::string>> Connector::addresses_of(std::string host, mail::Reply& failure) {
  std::vector<std::string> found;
  if (is_address(host) || host.starts_with('/')) {
    found.push_back(host);
    co_return found;
  }
  if (host == "localhost") { // RFC 6761 section 6.3: never a question for the DNS
    found = {"127.0.0.1", "::1"};
    co_return found;
  }
  dns::Resolver& resolver = *resolver_;
  auto four = co_await resolver.query(host, dns::Type::a);
  auto six = co_await resolver.query(host, dns::Type::aaaa);
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
    failure = temporary
                  ? mail::Reply(451, {4, 4, 3},
                                "the DNS gave no address for " + host + (four->why.empty() ? "" : ": " + four->why))
                  : mail::Reply(550, {5, 4, 4}, "the mail host " + host + " has no address");
  }
  co_return found;
}

Task<Reached> Connector::open(const queue::Plan& plan) {
  Reached last;
  last.failure = own_word(mail::Reply(451, {4, 4, 1}, "no mail host could be reached"));
  bool temporary = false;
  int tries = 0;
  for (const queue::Candidate& candidate : plan.candidates) {
    mail::Reply failure;
    auto addresses = co_await addresses_of(candidate.host, failure);
    if (addresses.empty()) {
      temporary = temporary || failure.transient();
      if (says_little(last.failure)) last.failure = own_word(failure);
    }
    bool unreached = false, lacking = false; // of this host's addresses
    for (const std::string& address : addresses) {
      if (++tries > kTriesPerAttempt) break;
      std::string to = address;
      Reached reached = co_await open_one(plan, candidate, to);
      if (reached.peer) co_return reached;
      unreached = unreached || reached.failure.transient();
      lacking = lacking || (plan.require_tls && reached.failure.permanent());
      if (says_little(last.failure) || !says_little(reached.failure)) last = std::move(reached);
    }
    temporary = temporary || (unreached && !lacking); // what a host lacks for REQUIRETLS it lacks on each address
  }
  last.whole_place = true;
  if (temporary && last.failure.permanent()) { // some host may work later
    const std::string why = last.failure.own.code != 0 ? last.failure.own.text : "another host may take it later";
    last.failure.own = mail::Reply(451, {4, 4, 1}, why);
  }
  co_return last;
}

/// One address; when an opportunistic handshake fails, the same address once more in clear (RFC 7435).
Task<Reached> Connector::open_one(const queue::Plan& plan, const queue::Candidate& candidate, std::string address) {
  if (plan.require_tls) {
    Reached only = co_await try_required(plan, candidate, address);
    co_return only;
  }
  Reached first = co_await try_session(plan, candidate, address, true);
  bool again = !first.peer && first.failure.own.code == 454 && plan.tls == queue::RouteTls::opportunistic;
  if (!again) co_return first;
  Reached second = co_await try_session(plan, candidate, address, false);
  co_return second;
}

/// For a message with REQUIRETLS: what a host can't give now it is taken never to give (RFC 8689 section 4.2.1); one that can't be
/// reached may work later.
Task<Reached> Connector::try_required(const queue::Plan& plan, const queue::Candidate& candidate, std::string address) {
  Reached reached = co_await try_session(plan, candidate, address, true);
  if (reached.peer && !reached.peer->session().features().requiretls) {
    Peer& peer = *reached.peer;
    mail::Reply lacking(550, {5, 7, 30}, "REQUIRETLS support required: the server does not offer it");
    reached.failure = peer.told(std::move(lacking));
    peer.session().quit();
    while (co_await peer.run() != Peer::Event::closed) {
    }
    reached.peer.reset();
  } else if (reached.tls_lacking) {
    const std::string why = reached.failure.own.code != 0 ? ": " + reached.failure.own.text : std::string();
    reached.failure.own = mail::Reply(550, {5, 7, 10}, "encryption needed (REQUIRETLS)" + why);
  }
  co_return reached;
}

Result<std::shared_ptr<net::TlsContext>> Connector::tls_for(const queue::Plan& plan) {
  if (!plan.verify) {
    if (!opportunistic_) return fail(Errc::unsupported, "TLS can't be set up");
    return opportunistic_;
  }
  std::string ca = plan.route ? plan.route->ca_pem : std::string();
  auto known = verifying_.find(ca);
  if (known != verifying_.end()) return known->second;
  auto made = net::TlsContext::client(true, ca);
  if (made) verifying_[ca] = *made;
  return made;
}

Task<Reached> Connector::try_session(const queue::Plan& plan, const queue::Candidate& candidate, std::string address,
                                     bool allow_tls) {
  Reached reached;
  net::Endpoint to{address, candidate.port};
  std::string name =
      (candidate.host == address ? "" : candidate.host + " ") + "[" + address + "]:" + std::to_string(candidate.port);
  if (to.is_local()) name = "[" + address + "]";
  auto deadline = std::chrono::steady_clock::now() + options_.connect_timeout;
  std::string from = options_.source_address;
  Result<net::Stream> stream = fail(Errc::closed, "");
  if (to.is_local())
    stream = co_await net::connect_local(executor_, wheel_, address, deadline);
  else
    stream = co_await net::connect_tcp(executor_, wheel_, to, from, deadline);
  if (!stream) {
    reached.failure = own_word(mail::Reply(451, {4, 4, 1}, "no connection: " + stream.error().message), name);
    co_return reached;
  }
  auto tls = tls_for(plan);
  if (!tls) {
    reached.failure = own_word(mail::Reply(451, {4, 7, 5}, tls.error().message), name);
    co_return reached;
  }
  smtp::ClientOptions options = options_.client;
  options.ehlo_name = options_.hostname;
  options.lmtp = plan.lmtp;
  options.tls_wanted = allow_tls && plan.tls != queue::RouteTls::none;
  options.tls_required = plan.tls == queue::RouteTls::required;
  if (plan.route) {
    options.user = plan.route->user;
    options.password = plan.route->password;
    options.auth_in_clear = plan.tls == queue::RouteTls::none;
  }
  bool implicit = plan.tls == queue::RouteTls::implicit;
  net::TlsInfo info;
  if (implicit) {
    net::TlsContext& context = **tls;
    net::Stream& raw = *stream;
    std::string server_name = candidate.host;
    raw.set_deadline(deadline);
    auto done = co_await raw.start_tls_client(context, server_name);
    if (!done) {
      reached.tls_lacking = true;
      reached.failure = own_word(mail::Reply(451, {4, 7, 5}, "no TLS: " + done.error().message), name);
      co_return reached;
    }
    info = *done;
  }
  auto peer = std::make_unique<Peer>(std::move(*stream), options, implicit, name, candidate.host, *tls);
  peer->set_tls(info);
  Peer& running = *peer;
  Peer::Event event = co_await running.run();
  if (event == Peer::Event::ready) {
    reached.peer = std::move(peer);
    co_return reached;
  }
  reached.failure = running.told(running.session().failure());
  soften(reached.failure);
  smtp::Breakage breakage = running.session().breakage();
  reached.tls_lacking = breakage == smtp::Breakage::tls_failed || breakage == smtp::Breakage::tls_unavailable;
  if (breakage == smtp::Breakage::tls_failed) {
    mail::Reply& own = reached.failure.own;
    own.code = 454;
    if (!own.cause.empty()) own.text += ": " + own.cause; // what is wrong with a certificate, for who reads the queue
  }
  co_return reached;
}

} // namespace paquebot::delivery
