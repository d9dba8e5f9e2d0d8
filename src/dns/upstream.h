#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/look.h"
#include "dns/resolver.h"
#include "dns/servers.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::dns {

/// Setting of the store: with the address of a resolver behind it, when validation last worked with that one, in
/// milliseconds since 1970.
inline constexpr const char* kProvenSetting = "dns.proven.";

/// Where validation stands.
enum class Stand : std::uint8_t {
  off,        ///< by the configuration
  unknown,    ///< nothing was looked at yet, or nobody answered: what can't be validated is not used
  validating, ///< it works
  failing,    ///< it doesn't, and not for want of signatures (a wrong clock?), or it must: nothing is used unvalidated
  without,    ///< the resolvers pass no signatures on: answers are used as they come, and none counts as secure
};

/// What is known of the resolvers, for people and for `status`.
struct UpstreamState {
  Stand stand = Stand::unknown;
  std::string why; ///< when it is failing or without
  std::vector<Seen> seen;
};

/// What validation of an anchored zone's own keys came to.
enum class Keys : std::uint8_t { unknown, bogus, secure };
/// What follows from what was seen; pure. `remembered`: a resolver in use has been seen to pass good signatures within
/// the last days.
Stand stand_after(Stand before, Dnssec wish, const std::vector<Seen>& seen, Keys keys, bool remembered);
/// Whether to keep in mind that validation worked with this resolver. A private address may be another machine in the
/// next network, and what is on our own machine hands on what it gets, unless it validates itself.
bool worth_remembering(const Seen& seen);
/// "192.168.1.1:53": those of whom this was seen.
std::string names_of(const std::vector<Seen>& seen, Signatures signatures);

/// The resolvers in use as such: do they answer, and can what they say be validated? Shared by all that asks them.
/// Thread-safe; coroutines run on their own executors.
///
/// With Dnssec::automatic, resolvers that answer without signatures (home routers, forwarders) make it go on without
/// validation, until they pass signatures again, unless one of them is remembered: then the missing of signatures is an
/// attack or a fault, and nothing is believed. That a first look may be deceived is the price of sending mail at all
/// there.
class Upstream {
public:
  /// For how long a resolver is remembered.
  static constexpr std::chrono::hours kRemembered{7 * 24};

  /// `validating`: a resolver that uses the anchors.
  Upstream(Options options, std::shared_ptr<Resolver> validating, const Clock& clock);

  /// The stand has changed: for the log. Both are to be set before anything is asked.
  std::function<void(const UpstreamState&)> on_change;
  /// Validation worked with this resolver at that time; called at most once a day for each.
  std::function<void(const std::string& address, WallTime when)> on_proven;
  /// What on_proven said in earlier runs; what is too old is passed over.
  void recall(const std::map<std::string, WallTime>& proven);
  /// Takes back what is remembered of one address, or of all; the next examine() looks anew.
  void forget(const std::optional<std::string>& address);

  /// False: ask a resolver without anchors.
  bool use_validation() const;
  UpstreamState state() const;

  /// Looks at the resolvers, unless that was done within the last ten seconds; seconds when they are silent. Callers at
  /// the same time share one look.
  Task<void> examine();
  /// Whether a question without an answer (other than for DNSSEC) is the fault of our resolvers, of libunbound or of
  /// this machine. The finding is kept for three seconds.
  Task<bool> is_to_blame();

private:
  /// One look for all who want it, kept for a while.
  struct Shared {
    std::optional<Instant> done;
    bool running = false;
    std::vector<Promised<bool>> waiters;
    bool finding = false;
  };
  using Finder = Task<bool> (Upstream::*)();
  Task<bool> share(Shared& shared, std::chrono::milliseconds kept, Finder finder);
  Task<bool> look();
  Task<bool> blame();
  Task<Keys> ask_keys();
  Task<bool> unbound_works();
  std::vector<Seen> judge(std::vector<Seen> seen, Keys keys);
  bool remembers(const std::vector<Seen>& seen) const;

  const Options options_;
  const Servers servers_;
  const std::vector<std::string> zones_;
  const std::shared_ptr<Resolver> validating_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  UpstreamState state_;
  std::map<std::string, WallTime> remembered_;
  Shared looking_, blaming_;
};

} // namespace paquebot::dns
