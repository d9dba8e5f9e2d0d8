#pragma once

#include "queue/site.h"
#include "queue/throttles.h"
#include "store/types.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::queue {

/// How many at a site have a message of each lane (store::lane_of) in hand.
class LaneShares {
public:
  void takes_up(store::Id lane) { ++at_work_[lane]; }
  void puts_down(store::Id lane);
  /// Of a site with `window` places: the lane that all but the last one work for, and that gets no more. The last place
  /// of a site that has three or more is not for it: a lone message of another lane finds it free.
  std::optional<store::Id> full(unsigned window) const;

private:
  std::map<store::Id, unsigned> at_work_;
};

/// The sites that somebody works at, that something waits for, or of which something was learnt: how many work at each,
/// and which destinations wait until there is room. These stand in lanes (store::lane_of), so that who has mail for
/// many domains of a site holds up nobody who has one for a single one. Pure: times are wall milliseconds, and passed
/// in. Guard it by a lock.
class Sites {
public:
  struct Entry {
    Site site;
    unsigned workers = 0;
    std::string door{}; ///< no connection is made before there is room at that address (delivery::Doors); "": at any
    std::int64_t shut_until = 0; ///< then it is tried again in any case
    LaneShares shares{};
    std::string provider{}; ///< whose limits count as well (Throttles); "": nobody's
    std::size_t waiting() const { return waits_.size(); }

  private:
    friend class Sites;
    std::map<store::Id, std::deque<std::string>> lanes_; ///< destinations, of each lane that has something for them
    std::deque<store::Id> ring_;                         ///< the lanes, next first
    /// The destinations, and in which lanes they stand; who is not here has left, and stands in lanes no more.
    std::map<std::string, std::set<store::Id>, std::less<>> waits_;
    std::int64_t timer_ = 0;   ///< 0: none
    bool crowded_out_ = false; ///< it stands in the line of its provider
  };

  explicit Sites(std::size_t most = 10'000) : most_(most) {}

  const Entry* find(const std::string& key) const;
  const std::map<std::string, Entry, std::less<>>& all() const { return sites_; }
  Site& at(const std::string& key) { return sites_[key].site; }
  Throttles& throttles() { return throttles_; }
  const Throttles& throttles() const { return throttles_; }
  /// Its hosts are of that provider, "": of none.
  void belongs(const std::string& key, const std::string& provider);

  /// Whether one more worker may come, where `configured` are the most of any site. It will find mail of these lanes;
  /// of none: nobody knows which.
  bool room(const std::string& key, unsigned configured, std::int64_t now,
            const std::vector<store::Id>& lanes = {}) const;
  void enter(const std::string& key);
  void leave(const std::string& key);
  /// Of a site that somebody is at.
  LaneShares& shares(const std::string& key) { return sites_.at(key).shares; }
  /// Who is there must not take up more.
  bool surplus(const std::string& key, unsigned configured, std::int64_t now) const;
  /// Nothing goes to it before that: its own turn, or its provider's.
  std::int64_t goes_at(const Entry& entry, std::int64_t now) const;
  /// A message is taken up there.
  void begins(const std::string& key, std::int64_t now);
  /// A site that waits for its provider ("": any), where the place may be used that one of the same provider gave up.
  std::optional<std::string> next_of_provider(const std::string& provider, std::int64_t now);
  /// Forgets a site at which there is nobody and of which nothing is known.
  void forget_if_idle(const std::string& key);

  /// The destination waits there, with mail of these lanes.
  void line_up(const std::string& key, const std::string& destination, std::vector<store::Id> lanes, std::int64_t now);
  /// The next of those that wait, which leaves the line: of each lane in turn.
  std::optional<std::string> next(const std::string& key);
  bool anybody_waits(const std::string& key) const;
  /// Some wait where others fill the site, and not for a time to come.
  bool crowded(unsigned configured) const;

  /// The site waits for room at an address; one such site goes on when there is, and each after ten seconds.
  void shut(const std::string& key, const std::string& door, std::int64_t now);
  std::optional<std::string> open(const std::string& door);

  /// When a site that is waited for may go on by the passing of time; nothing: none does.
  std::optional<std::int64_t> first_timer() const;
  /// Something has changed that says when it may go on.
  void rearm(const std::string& key, std::int64_t now);
  /// One whose time has come.
  std::optional<std::string> ring(std::int64_t now);

  /// What was learnt and is not in the store yet: at most so many of them.
  std::vector<std::pair<std::string, Site::Learned>> unsaved(std::size_t most);
  /// Something was learnt of it.
  void learnt(const std::string& key) { unsaved_.insert(key); }

private:
  void arm(const std::string& key, Entry& entry, std::int64_t now);
  void forget(const std::string& key);
  void make_room();

  std::size_t most_;
  std::map<std::string, Entry, std::less<>> sites_;
  std::set<std::pair<std::int64_t, std::string>> timers_;
  std::map<std::string, std::deque<std::string>, std::less<>> doors_; ///< the sites that wait for each
  Throttles throttles_;
  std::map<std::string, std::deque<std::string>, std::less<>> crowded_out_; ///< sites that wait for each provider
  std::set<std::string> unsaved_;
};

} // namespace paquebot::queue
