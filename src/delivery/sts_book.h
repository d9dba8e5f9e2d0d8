#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "http/client_session.h"
#include "net/network.h"
#include "queue/sts_policy.h"
#include "store/books.h"

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace paquebot::net {
class HttpClient;
class Wheel;
} // namespace paquebot::net

namespace paquebot::delivery {

/// [delivery.mta_sts] of the configuration.
struct StsOptions {
  bool check = true;        ///< policies of recipients' domains count
  std::uint16_t port = 443; ///< of policy hosts: for tests
  std::string ca_pem;       ///< roots that vouch for policy hosts, instead of the system's; PEM
  net::Networks allow;      ///< where policy hosts may be, beside the public Internet
};

/// Asks hosts that other domains name, with verified TLS and bounds of time and size. `wheel` must outlive it.
std::shared_ptr<net::HttpClient> policy_client(boost::asio::any_io_executor executor, net::Wheel& wheel,
                                               std::shared_ptr<dns::Resolver> resolver, const StsOptions& options);

/// A request for a policy. Errors as of net::HttpClient.
using FetchPolicy = std::function<Task<Result<http::Reply>>(std::string url)>;

/// With verified TLS, no redirects, and bounds of time and size (RFC 8461 section 3.3). `wheel` must outlive it.
FetchPolicy fetch_over_https(boost::asio::any_io_executor executor, net::Wheel& wheel,
                             std::shared_ptr<dns::Resolver> resolver, const StsOptions& options);

/// What went wrong with a policy, as reports call it (RFC 8460 section 4.3.2.2).
enum class StsTrouble : std::uint8_t {
  none,
  fetch,   ///< sts-policy-fetch-error
  invalid, ///< sts-policy-invalid
  webpki,  ///< sts-webpki-invalid
};

/// What is known of a domain's policy.
struct StsFinding {
  std::shared_ptr<const queue::StsPolicy> policy{}; ///< in force; null: none
  std::string id{};
  std::int64_t fetched = 0; ///< milliseconds since 1970
  StsTrouble trouble = StsTrouble::none;
  std::string why{}; ///< for people: of the trouble, or why there is no policy
};

/// The policies of MTA-STS of other domains (RFC 8461): asks for their records, fetches and keeps them, in the store
/// too, so that a restart forgets nothing that protects. An old policy counts until it has expired, whatever the
/// domain's servers say or don't; one in use is fetched again each day, another before it expires. Who is asked how
/// often, for how long, and how much is kept has bounds. Belongs to one executor; owned by shared_ptr, since fetches go
/// on behind whoever wanted them.
class StsBook : public std::enable_shared_from_this<StsBook> {
public:
  struct Means {
    boost::asio::any_io_executor executor;
    std::shared_ptr<dns::Resolver> resolver;
    store::Books& books;
    const Clock& clock;
    FetchPolicy fetch;
  };
  explicit StsBook(Means means, StsOptions options = {}) : means_(std::move(means)), options_(std::move(options)) {}

  /// What counts for mail to this domain now. Waits for record and policy for kPatience at most; what comes later
  /// counts for the next message.
  Task<StsFinding> ask(std::string domain);
  /// The same, but the policy is fetched in any case, and waited for.
  Task<StsFinding> refresh(std::string domain);

  /// Domains of which something is known.
  std::size_t size() const { return entries_.size(); }

  static constexpr std::chrono::seconds kPatience{5};
  static constexpr std::chrono::minutes kFailureRest{5}; ///< behind a fetch that failed (section 3.3)
  static constexpr std::size_t kMostDomains = 10'000;
  static constexpr std::size_t kMostOctets = 16u << 20; ///< of policies, together
  static constexpr std::size_t kMostFetches = 50;       ///< at the same time

private:
  struct Entry {
    StsFinding found;
    std::size_t octets = 0; ///< of the policy's text
    std::int64_t failed_until = 0, used = 0;
  };
  /// A look at a domain under way.
  struct Look {
    Condition done;
    bool over = false;
    bool forced = false;
  };
  Task<void> load();
  std::shared_ptr<Look> look_at(const std::string& domain, bool forced);
  static Task<void> look(std::shared_ptr<StsBook> self, std::string domain, std::shared_ptr<Look> state);
  Task<void> examine(std::string domain, std::shared_ptr<Look> state);
  Task<void> fetch(std::string domain, std::string id);
  Task<void> wait_for(std::shared_ptr<Look> look, std::chrono::milliseconds most);
  StsFinding in_force(const std::string& domain);
  void renew_unused();
  void fails(Entry& entry, StsTrouble trouble, std::string why, const std::string& domain);
  Entry& entry_of(const std::string& domain);
  void make_room();
  bool rests(const Entry& entry) const;
  bool wants(const std::string& domain, const std::string& id, bool forced) const;
  std::int64_t now() const { return millis(means_.clock.wall()); }

  const Means means_;
  const StsOptions options_;
  std::map<std::string, Entry> entries_;
  std::size_t octets_ = 0;
  std::map<std::string, std::shared_ptr<Look>> looks_;
  std::shared_ptr<Look> loading_;
  bool loaded_ = false;
  std::int64_t renewed_at_ = 0; ///< when renew_unused() looked last
};

} // namespace paquebot::delivery
