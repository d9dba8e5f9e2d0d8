#pragma once

#include "mail/address.h"
#include "mail/status.h"
#include "net/network.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What is asked of strangers who bring mail: never of logged-in clients, submission or LMTP, nor of allowed networks.
namespace paquebot::policy {

/// What a check that a client does not pass leads to.
enum class Measure : std::uint8_t {
  off,    ///< not looked at
  log,    ///< a line in the log
  tag,    ///< also a header field of the message (kStrangerField)
  defer,  ///< 4xx
  refuse, ///< 5xx
};
std::string_view name_of(Measure measure);

inline constexpr std::string_view kStrangerField = "X-Paquebot-Guard";

/// A list in the DNS (RFC 5782): of addresses (section 2) or of domain names (section 3).
struct DnsList {
  std::string zone;      ///< lower-case A-labels
  int score = 1;         ///< below 0: a list of those that are trusted
  net::Networks answers; ///< which count; empty: all of 127.0.0.0/8. Never those in 127.255.255.0/24, which are errors
  bool domains = false;  ///< asked for the domain of MAIL, the name in EHLO and the client's own name in the DNS
};

/// How much one client address may do; a network (/24, of IPv6 /48) may do kNetworkFactor times as much. 0: no bound.
struct RateLimits {
  unsigned connections_per_minute = 0;
  unsigned messages_per_hour = 0;
  unsigned faults_per_hour = 100;            ///< recipients that do not exist, attempts to relay, protocol errors
  std::chrono::seconds refused_for{10 * 60}; ///< after too many connections or faults
};

/// Greylisting (RFC 6647): who was never seen has to come again.
struct GreylistRules {
  Measure measure = Measure::off;         ///< refuse is not possible
  std::chrono::seconds delay{60};         ///< not before (section 5, 2: one minute to 24 hours)
  std::chrono::seconds window{24 * 3600}; ///< not after
  std::chrono::seconds keep{
      36 * 86400};          ///< how long who passed is remembered after its last message (at least a week: 5, 3)
  unsigned allow_after = 1; ///< passes after which a whole network is let through
};

/// [guard] of the configuration, immutable.
struct StrangerRules {
  net::Networks allow, block;
  std::vector<std::string> allow_senders, block_senders; ///< lower-case "local@domain", "domain", ".domain" (and below)
  std::chrono::seconds greeting_delay{0};
  Measure early_talker = Measure::refuse;
  Measure reverse_dns = Measure::off;
  Measure helo = Measure::off;
  std::vector<DnsList> lists;
  int tag_at = 0, defer_at = 0, refuse_at = 0; ///< sums of scores; 0: never
  RateLimits rates;
  GreylistRules greylist;
};

/// Whether the names of a client's address lead back to it (RFC 8601 section 3, "iprev").
enum class ReverseDns : std::uint8_t { unknown, none, mismatch, confirmed };

struct ListHit {
  std::string zone;
  int score = 0;
  std::string text; ///< the list's own words, printable, at most 200 octets; may be empty
  std::string what; ///< the address or domain that it names
};

/// What the DNS says of a client's address.
struct ClientFacts {
  ReverseDns reverse = ReverseDns::unknown;
  std::string name;          ///< confirmed only
  std::vector<ListHit> hits; ///< of lists of addresses, and of domains for `name`
};

/// What one session has shown, when its first recipient is named.
struct Stranger {
  std::string address;
  std::string helo_fault; ///< why its name is not plausible; empty: nothing against it
  bool early = false;     ///< it spoke before the greeting, and that is at most to be tagged
};

struct Finding {
  std::string_view check; ///< "early-talker", "reverse-dns", "helo", "dns-list"
  Measure measure = Measure::log;
  std::string detail;      ///< for log and tag: printable, without line ends
  mail::EnhancedCode code; ///< of a refusal; class 5
};

/// All that is against a client, and what follows: the gravest measure decides.
struct StrangerVerdict {
  std::vector<Finding> findings;
  mail::Reply reply;             ///< code 0: it is let in
  std::vector<std::string> tags; ///< values of kStrangerField
};

/// Pure.
StrangerVerdict judge(const StrangerRules& options, const ClientFacts& facts, const Stranger& stranger);

/// What is wrong with the name that a client gave in HELO or EHLO; "" when it is plausible. `peer` is its address,
/// `hostname` and `here` are our own. Whether the DNS knows it is not asked here.
std::string helo_fault(std::string_view helo, std::string_view peer, std::string_view hostname, std::string_view here);

/// Whether one of `list` names the sender.
bool names_sender(const std::vector<std::string>& list, const mail::Address& sender);
/// An entry as lists keep it; `invalid` when it names nobody.
Result<std::string> sender_entry(std::string_view text);

/// The reply to a client that spoke before it was greeted (RFC 5321 section 3.1); code 0 below defer.
mail::Reply early_reply(Measure measure);
mail::Reply blocked_client(std::string_view address);
mail::Reply blocked_sender(const std::string& address);
mail::Reply greylisted(std::chrono::seconds left);

} // namespace paquebot::policy
