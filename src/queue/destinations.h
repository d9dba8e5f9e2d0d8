#pragma once

#include "base/clock.h"
#include "queue/back_off.h"
#include "queue/known_places.h"
#include "queue/window.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace paquebot::queue {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// One destination that something waits for, or that a worker is at.
struct Destination {
  Window window;
  BackOff back_off;
  std::int64_t due = kNever; ///< earliest in the store (wall milliseconds); kNever: none
  unsigned workers = 0;
  std::string site{};     ///< of Sites, where its mail went last; "": not known
  std::string provider{}; ///< of Providers, likewise; "": not known, or nobody's
  bool claiming = false;  ///< work for it is just coming out of the store
  Instant claimed{};      ///< when some came last
  /// Lanes of which something due may be in the store; and whether there may be others.
  std::set<store::Id> stored{};
  bool stored_more = false;
  unsigned changing = 0; ///< how many changes of its back-off are on their way into the store
  bool changed = false;  ///< there was one since the claim began
private:
  friend class Destinations;
  std::int64_t timer_ = kNever;             ///< its entry among the timers; kNever: none
  std::array<bool, Seats::kKinds> lined_{}; ///< in which of the lines it stands
};

/// The destinations in memory, those that answered lately, and who is next: a timer for each destination whose work in
/// the store, or whose rest, has a time, and a line of destinations with work for each kind of seat. Memory grows with
/// the destinations, not with the queue. Guard it by a lock.
class Destinations {
public:
  /// Made when there is none. Valid until forget_if_idle().
  Destination& at(const std::string& key);
  std::size_t ready() const { return ready_; } ///< jobs in all windows
  Destination* find(const std::string& key);
  const Destination* find(const std::string& key) const;
  /// Drops it if nothing waits for it, nobody is there and it is in no line. That it failed is remembered in a word;
  /// the store knows the rest.
  void forget_if_idle(const std::string& key);
  std::map<std::string, Destination, std::less<>>& all() { return destinations_; }
  const std::map<std::string, Destination, std::less<>>& all() const { return destinations_; }

  /// Sets its timer by what is due in the store and its rest. True when that changed.
  bool arm(const std::string& key, Destination& place, std::int64_t now);
  /// The first timer; kNever: there is none.
  std::int64_t first_timer() const { return timers_.empty() ? kNever : timers_.begin()->first; }
  /// The first one whose timer has passed; armed again when somebody has looked at it.
  std::optional<std::string> ring(std::int64_t now);

  /// Puts it at the end of its line if there is something ready.
  void heat(const std::string& key, Destination& place);
  void line_up(const std::string& key, Destination& place, Seat::Kind kind);
  std::size_t in_line(Seat::Kind kind) const;
  /// The first of a line that is not empty, which it leaves.
  std::string leave_line(Seat::Kind kind);

  KnownPlaces& known() { return known_; }
  bool is_known(const std::string& key) const { return key.starts_with("route:") || known_.contains(key); }
  /// The best seat that something of it may take.
  Seat::Kind kind_of(const std::string& key, const Destination& place) const;

  /// Whether its last attempt failed, also when it was forgotten since.
  bool failing(const std::string& key) const;
  /// It was tried again: what was remembered of it in a word is over. True when there was something.
  bool forgive(const std::string& key) { return forgotten_.erase(key) > 0; }

private:
  std::size_t ready_ = 0; ///< outlives the windows that are counted in it
  std::map<std::string, Destination, std::less<>> destinations_;
  std::set<std::pair<std::int64_t, std::string>> timers_;
  std::array<std::deque<std::string>, Seats::kKinds> lines_;
  KnownPlaces known_;
  std::set<std::string, std::less<>> forgotten_; ///< failing ones that are in destinations_ no more
};

} // namespace paquebot::queue
