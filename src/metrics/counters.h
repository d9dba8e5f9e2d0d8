#pragma once

#include "metrics/labels.h"

#include <chrono>
#include <concepts>
#include <span>

namespace paquebot::metrics {

/// Adds to one of the places below, of the thread's own block: no lock, no line of memory that another thread writes.
void add_to(std::size_t slot, std::uint64_t count);
/// All threads together, also those that have ended. `slot` below kSlots.
std::uint64_t total_of(std::size_t slot);

namespace detail {
template <class... Labels>
constexpr std::size_t combinations() {
  return (std::size_t{1} * ... * LabelOf<Labels>::words.size());
}
/// Mixed radix, the last label fastest.
template <class... Labels>
constexpr std::size_t place_of(Labels... labels) {
  std::size_t at = 0;
  ((at = at * LabelOf<Labels>::words.size() + static_cast<std::size_t>(labels)), ...);
  return at;
}
} // namespace detail

/// A family of numbers that only grow.
template <class... Labels>
struct Counter {
  std::string_view name, help;
  std::size_t first; ///< of its places
  static constexpr std::size_t kSize = detail::combinations<Labels...>();

  void add(Labels... labels, std::uint64_t count = 1) const { add_to(first + detail::place_of(labels...), count); }
};

/// Upper bounds of the buckets of all histograms, in seconds: from a commit on a fast disk to a name server's silence.
inline constexpr std::array<double, 15> kBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                 0.25,   0.5,   1,      2.5,   5,    10,    30};

/// A family of durations, in buckets.
template <class... Labels>
struct Histogram {
  std::string_view name, help;
  std::size_t first;
  /// Of one combination of labels: the buckets, what is beyond, and the sum in microseconds.
  static constexpr std::size_t kEach = kBuckets.size() + 2;
  static constexpr std::size_t kSize = kEach * detail::combinations<Labels...>();

  void observe(Labels... labels, std::chrono::nanoseconds took) const {
    const std::size_t at = first + kEach * detail::place_of(labels...);
    const double seconds = std::chrono::duration<double>(took).count();
    std::size_t bucket = 0;
    while (bucket < kBuckets.size() && seconds > kBuckets[bucket]) ++bucket;
    add_to(at + bucket, 1);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    if (micros > 0) add_to(at + kEach - 1, static_cast<std::uint64_t>(micros));
  }
};

constexpr std::size_t after(const auto& family) { return family.first + family.kSize; }

// ---- What is counted ----

inline constexpr Counter<Role> connections{"paquebot_connections_total", "Connections that got a session.", 0};
inline constexpr Counter<Role, TurnedAway> turned_away{
    "paquebot_connections_refused_total", "Connections that were turned away before a session.", after(connections)};
inline constexpr Counter<Role, ReplyClass> replies{"paquebot_smtp_replies_total", "Replies of SMTP and LMTP sessions.",
                                                   after(turned_away)};
inline constexpr Counter<LoginProtocol, LoginResult> logins{"paquebot_logins_total", "Logins that were tried.",
                                                            after(replies)};
inline constexpr Counter<> accepted{"paquebot_messages_accepted_total",
                                    "Messages that the server took responsibility for.", after(logins)};
inline constexpr Counter<> accepted_bytes{"paquebot_messages_accepted_bytes_total", "Their size.", after(accepted)};
inline constexpr Counter<> delivered{"paquebot_mailbox_deliveries_total",
                                     "Mailboxes into which an accepted message came.", after(accepted_bytes)};
inline constexpr Counter<Stage, Permanence> refused{
    "paquebot_refused_total", "Senders, recipients and contents that were refused.", after(delivered)};
inline constexpr Counter<DeliveryResult, DeliveryTls> deliveries{
    "paquebot_deliveries_total", "Attempts to hand a recipient's message to another server.", after(refused)};
inline constexpr Counter<AuthMethod, AuthOutcome> authentication{
    "paquebot_authentication_results_total", "What the checks of mail from other servers found.", after(deliveries)};
inline constexpr Counter<StoreFile> commit_failures{
    "paquebot_store_commit_failures_total", "Transactions of the store that did not succeed.", after(authentication)};
inline constexpr Histogram<StoreFile> commits{"paquebot_store_commit_seconds",
                                              "How long synced commits of the store took.", after(commit_failures)};
inline constexpr Histogram<> acceptance{"paquebot_acceptance_seconds",
                                        "From the end of a message's content to the verdict.", after(commits)};
inline constexpr Histogram<FilterKind> filters{"paquebot_filter_seconds",
                                               "How long content filters took for a message.", after(acceptance)};
inline constexpr Histogram<DnsResult> dns{"paquebot_dns_seconds", "How long questions to the DNS took.",
                                          after(filters)};

inline constexpr Counter<HookResult> hook_deliveries{"paquebot_hook_deliveries_total",
                                                     "Events that were posted to hooks.", after(dns)};

inline constexpr Counter<Untaken, Bounce> bounces{"paquebot_bounces_total",
                                                  "Attempts that did not end with the message taken, by their class.",
                                                  after(hook_deliveries)};
inline constexpr Counter<> suppressed{
    "paquebot_suppressed_total", "Recipients that programs named and that a suppression list refused.", after(bounces)};
inline constexpr Counter<Feedback> feedback{"paquebot_feedback_reports_total",
                                            "Reports that call a message of ours spam.", after(suppressed)};

inline constexpr std::size_t kSlots = after(feedback);

} // namespace paquebot::metrics
