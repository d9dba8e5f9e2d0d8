#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "mailauth/tls_report.h"
#include "net/stream.h"
#include "queue/need.h"
#include "queue/sts_policy.h"
#include "store/books.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace paquebot::delivery {

/// How one session with a mail host went, as far as its protection is concerned.
struct TlsTry {
  const queue::Need& need;                                ///< what the host had to show
  bool tlsa_unusable = false;                             ///< TLSA records, none of them usable, asked for it
  std::shared_ptr<const queue::StsPolicy> sts{};          ///< the domain's policy; null: none
  bool named = true;                                      ///< the policy names the host
  bool encrypted = false, missing = false, broke = false; ///< TLS came about, is not offered, or failed
  bool authentic = false;                                 ///< the certificate does
  net::Flaw flaw = net::Flaw::none;                       ///< why not
  std::string mx{}, sending_ip{}, receiving_ip{}, reason{};
};
/// What a report tells of it; nothing where TLS was not come to. Pure.
std::optional<mailauth::TlsSessions> sessions_of(const TlsTry& one);

/// The policy as its lines (RFC 8460 section 4.4, "policy-string").
mailauth::TlsPolicy told_policy(const queue::StsPolicy& policy);

/// Collects what reports on TLS will tell (RFC 8460), in memory, and writes it to the store now and then, for domains
/// that want reports. What was not written yet is lost when the process dies. Thread-safe.
class TlsBook {
public:
  /// All must outlive it.
  TlsBook(store::Books& store, std::shared_ptr<dns::Resolver> resolver, const Clock& clock)
      : store_(store), resolver_(std::move(resolver)), clock_(clock) {}

  /// Whether anything is collected from now on.
  void configure(bool on) { on_ = on; }
  bool on() const { return on_; }
  void count(const std::string& domain, const mailauth::TlsSessions& sessions);
  /// Writes what there is, once it is known whether the domains want reports: bounded in time, what is left is for the
  /// next time. What the store can't take is lost, and the log says so.
  Task<void> flush();

  static constexpr std::size_t kMostRows = 10'000; ///< in memory; further ones are not counted
  static constexpr std::chrono::seconds kAsking{30};

private:
  using Row = std::pair<std::string, std::string>; ///< host and detail
  using Pages = std::map<store::DmarcDay, std::map<Row, std::uint64_t>>;
  Pages tear_off();
  void put_back(Pages pages);
  Task<std::string> record_of(std::string domain);

  store::Books& store_;
  std::shared_ptr<dns::Resolver> resolver_;
  const Clock& clock_;
  std::atomic<bool> on_ = false;
  std::mutex mutex_;
  Pages pages_;
  std::size_t rows_ = 0;
  std::uint64_t lost_ = 0; ///< sessions that had no room
};

} // namespace paquebot::delivery
