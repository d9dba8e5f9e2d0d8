#pragma once

#include "delivery/dane.h"
#include "delivery/dial.h"
#include "delivery/doors.h"
#include "delivery/host_book.h"
#include "delivery/peer.h"
#include "delivery/sts_book.h"
#include "delivery/tls_book.h"
#include "dns/resolver.h"
#include "mail/envelope.h"
#include "net/wheel.h"
#include "queue/plan.h"

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace paquebot::delivery {

struct ConnectorOptions {
  std::string hostname;                 ///< EHLO name
  std::uint16_t port = 25;              ///< of MX hosts
  std::string source_ipv4, source_ipv6; ///< the local addresses; "": the system chooses
  bool ipv4 = true, ipv6 = true;        ///< families of addresses that are connected to
  bool dane = true;                     ///< hosts that TLSA records know must fit them
  StsOptions sts;
  std::chrono::seconds connect_timeout{30}; ///< each address; RFC 5321 leaves it to the system
  /// How long one attempt waits for the DNS, in all, before it looks up no further host: who has many hosts with silent
  /// DNS holds up a delivery no longer than others.
  std::chrono::milliseconds dns_most{120'000};
  /// How long a host may take until it is ready for mail while others wait (Connector::hurry()): RFC 5321
  /// section 4.5.3.2.1 grants minutes, which strangers could make us spend on hosts of theirs that say nothing. Servers
  /// that make others wait on purpose do so for less.
  std::chrono::milliseconds patience{30'000};
  smtp::ClientOptions client;           ///< time-outs; names and login are filled in
  std::vector<net::Endpoint> listeners; ///< where we take mail ourselves: MX hosts that lead there are none
};

/// How an attempt to reach a destination ended.
struct Reached {
  std::unique_ptr<Peer> peer; ///< in state Ready, or
  mail::Told failure;         ///< why not: what the last host said, or we of it; and what decides:
  queue::Cause cause = queue::Cause::none;
  /// An address was passed over since there is no room at its door (Doors); "": none was. Without a connection: this
  /// one.
  std::string full;
  /// Nothing was heard in time, of some address.
  bool silent = false;
  /// Addresses that answered with 421 before they were ready, and with what.
  std::vector<std::pair<std::string, mail::Told>> turned_away;
};

/// What the connection to a host must show, by its name.
using Needs = std::map<std::string, queue::Candidate>;

/// What a message had no luck with before, in the same attempt.
struct Tried {
  std::set<std::string> hosts;     ///< as the plan calls them
  std::set<std::string> addresses; ///< as in HostBook
  bool empty() const { return hosts.empty() && addresses.empty(); }
};

/// How many connections there may be at a door, and one that was kept for this search.
struct AtDoors {
  Doors& doors;
  unsigned most = 10;
  DoorHold kept{};
};

/// Finds and opens ways to a destination: DNS, then the plan's hosts and their addresses one after the other within one
/// attempt. Use from its executor.
class Connector {
public:
  /// `dial`: SocketDial if there is none.
  Connector(boost::asio::any_io_executor executor, net::Wheel& wheel, std::shared_ptr<dns::Resolver> resolver,
            ConnectorOptions options, std::unique_ptr<Dial> dial = nullptr);

  /// Asks the DNS what it must and makes the plan, for a message of which that was wished: REQUIRETLS, or to be sent in
  /// any case (`TLS-Required: No`, RFC 8689 section 4.1: no policy of the recipient's side is asked for).
  Task<queue::Plan> plan_for(std::string destination, const queue::RouteTable& routes, mail::TlsWish wish);
  /// What connections to these hosts of the plan must show, for those that are open already; without those of which
  /// that can't be found out.
  Task<Needs> needs_of(const queue::Plan& plan, std::vector<std::string> hosts);
  /// Tries the candidates until one is ready for mail; but not those that were tried before or rest, nor those at whose
  /// door there is no room (those of a configured route have no doors), and the doubtful ones last. Where there is no
  /// room no worse host is tried.
  Task<Reached> open(const queue::Plan& plan, const Tried& tried, const HostBook& hosts, AtDoors at);
  /// Others wait: whoever has let us wait for longer than `patience` before it was ready for mail has had its time.
  void hurry(std::chrono::milliseconds patience);

  /// What TLSA records say of a host of the plan.
  Task<DaneFinding> dane_of(const queue::Plan& plan, const queue::Candidate& candidate);
  StsBook* policies() { return policies_.get(); } ///< null: none count

  /// An open connection of `peer` is used for another plan.
  void note_reuse(const queue::Plan& plan, const Peer& peer);

  /// Whose policies of MTA-STS count, and where sessions are counted for reports on TLS; nobody's and nowhere before.
  /// `book` must outlive it.
  void attach(std::shared_ptr<StsBook> policies, TlsBook& book) {
    policies_ = std::move(policies);
    book_ = &book;
  }

  /// From any thread: the roots of the system and of routes are read again for connections from now on.
  void forget_roots();

  const ConnectorOptions& options() const { return options_; }
  /// Those that are open. Use from its executor.
  const LivePeers& live() const { return *live_; }

private:
  struct Search;
  class Knock;
  Task<bool> try_host(Search& search, const queue::Candidate& named);
  Task<bool> try_address(Search& search, const queue::Candidate& candidate, std::string address);
  Task<bool> protect(Search& search, queue::Candidate& candidate);
  struct Families {
    bool ipv4 = true, ipv6 = true;
  };
  Families families_of(const queue::Plan& plan) const;
  Task<bool> leads_back(Search& search, std::size_t index);
  Task<bool> is_ours(Search& search, const queue::Candidate& candidate, bool& known);
  struct NoAddress {
    mail::Reply why;
    queue::Cause cause = queue::Cause::none;
  };
  Task<std::vector<std::string>> addresses_of(Search& search, std::string host, NoAddress& failure);
  struct Target;
  Task<Reached> open_one(const queue::Plan& plan, const queue::Candidate& candidate, std::string address);
  Task<Reached> try_session(const Target& to, const std::string& in_clear);
  Task<Reached> try_protected(const Target& to);
  Task<Result<net::Stream>> dial(const Target& to, std::chrono::steady_clock::time_point deadline);
  void note_session(const queue::Plan& plan, const Peer& peer, const Reached& reached);
  void note_policy(const queue::Plan& plan, const StsFinding& found);
  void note_trouble(const queue::Plan& plan, const std::string& host, const mailauth::TlsSessions& sessions);
  Task<void> greet(const queue::Plan& plan, std::unique_ptr<Peer> peer, Reached& reached);
  smtp::ClientOptions session_options(const Target& to, bool allow_tls) const;
  Result<std::shared_ptr<net::TlsContext>> tls_for(const queue::Need& need);
  Result<std::shared_ptr<net::TlsContext>> opportunistic();

  boost::asio::any_io_executor executor_;
  std::shared_ptr<dns::Resolver> resolver_;
  std::shared_ptr<StsBook> policies_;
  TlsBook* book_ = nullptr;
  ConnectorOptions options_;
  std::unique_ptr<Dial> dial_;
  std::shared_ptr<LivePeers> live_ = std::make_shared<LivePeers>();
  std::shared_ptr<net::TlsContext> opportunistic_, dane_;             ///< made when they are needed first
  std::map<std::string, std::shared_ptr<net::TlsContext>> verifying_; ///< by CA text
  std::map<Peer*, std::chrono::steady_clock::time_point> knocking_;   ///< not ready for mail yet, since
};

} // namespace paquebot::delivery
