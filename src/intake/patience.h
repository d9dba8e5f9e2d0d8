#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::intake {

/// For how long somebody has been told to come again. By time and not by number of tries: an honest server makes dozens
/// of those within hours. Bounded: among very many the wait begins anew. Outlives the process by rows that others keep
/// (take_changes, load), of those who came again; the time between two processes is not counted, unless it was longer
/// than kForgotten. Thread-safe.
class Patience {
public:
  /// How long somebody is asked to come again.
  static constexpr std::chrono::hours kLong{24};
  /// One who does not come for so long, longer than servers pause between two tries, begins anew: two troubles of some
  /// minutes on two days are no day of tries.
  static constexpr std::chrono::hours kForgotten{12};
  /// A row is written anew when its wait has grown by so much: a restart costs nobody more than that.
  static constexpr std::chrono::minutes kStep{30};
  /// How many are remembered.
  static constexpr std::size_t kMost = 10'000;

  /// Whether `who` (of any length) came first more than kLong ago. The first time it is remembered.
  bool is_over(std::string_view who, Instant now);
  /// Mail of `who` was judged: what comes next begins anew.
  void forget(std::string_view who);

  /// At most `most` rows that are to be written, each with its key, of 32 hex digits, and a text of at most 40 octets;
  /// empty for one that is to be deleted. `wall`: the calendar's time at `now`.
  std::vector<std::pair<std::string, std::string>> take_changes(std::size_t most, Instant now, WallTime wall);
  /// A row could not be written: it comes again.
  void put_back(const std::string& key);
  /// A row of an earlier process. One that is too old, can't be read, or is one too many will be deleted. Who waits
  /// here already has waited for as long as it says at least. A calendar that went back forgets nobody.
  void load(const std::string& key, std::string_view row, Instant now, WallTime wall);

private:
  struct Seen {
    Instant first;
    Instant last;
    Instant kept{}; ///< `last` of its row
    bool has_row = false;
  };
  using All = std::map<std::string, Seen>; ///< by a digest of whom
  All::iterator drop(All::iterator one);
  void make_room(Instant now);
  void touch(const std::string& key, Seen& one, Instant now);

  std::mutex mutex_;
  All seen_;
  std::set<std::string> changed_; ///< at most 2 * kMost
};

} // namespace paquebot::intake
