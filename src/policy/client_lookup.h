#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "policy/stranger_rules.h"

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace paquebot::policy {

/// The name of an address below `zone`: "99.2.0.192.zone", nibbles for IPv6 (RFC 5782 sections 2.1, 2.4). Empty when it
/// is no address.
std::string reversed_name(std::string_view address, std::string_view zone);

/// Whether this answer of a list means that the address is listed: some address of 127.0.0.0/8 that counts, none in
/// 127.255.255.0/24 (there lists say that they refuse to answer) and none elsewhere (a domain that is for sale answers
/// everything).
bool is_listing(const DnsList& list, const dns::Answer& answer);

/// Does a name of the address lead back to it? At most ten names are followed (RFC 7208 section 4.6.4 has the same
/// bound).
Task<std::pair<ReverseDns, std::string>> look_up_names(std::shared_ptr<dns::Resolver> resolver, std::string address);
/// Asks one list for an address, or a list of domains for a name in lower-case A-labels. A list that also names
/// 127.0.0.1, or the domain "invalid", names everybody and does not count; one of domains that does not name "test" is
/// told of in the log (RFC 5782 section 5).
Task<std::optional<ListHit>> ask_list(std::shared_ptr<dns::Resolver> resolver, DnsList list, std::string what);
/// What a list of domains can be asked for; empty for address literals, single labels and what is no domain.
std::string listable_domain(std::string_view name);
/// Whether the DNS knows a host or mail exchanger of that name; true when it can't be told.
Task<bool> is_known_host(std::shared_ptr<dns::Resolver> resolver, std::string name);

/// What was found out about clients lately, by address: the last 4096, for five minutes. Thread-safe.
class FactsCache {
public:
  explicit FactsCache(const Clock& clock) : clock_(clock) {}
  std::shared_ptr<const ClientFacts> find(const std::string& address);
  void keep(const std::string& address, std::shared_ptr<const ClientFacts> facts);
  /// After a change of the configuration.
  void clear();

private:
  struct Entry {
    std::string address;
    std::shared_ptr<const ClientFacts> facts;
    Instant until;
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::list<Entry> order_; ///< the newest first
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

} // namespace paquebot::policy
