#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace paquebot::delivery {

/// What a worker has of its place: which connections it may hold there is bounded.
enum class Share : std::size_t {
  none,
  opening, ///< a connection is being made
  refused, ///< it was not let in, and looks how the others fare
  open,    ///< it has a connection that carried nothing yet
  working, ///< it has a connection over which mail was taken or judged: the place works
};

/// Places (MX sets and routes, shared by destinations): the workers at each, and what its hosts were found to allow.
/// That is learnt from their refusals and forgotten after a while. Use from one executor.
class Places {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// Whether one more worker may have a share, of `most` at most.
  bool room(const std::string& place, unsigned most, Time now) const;
  /// A worker's share becomes another one.
  void move(const std::string& place, Share from, Share to);
  unsigned count(const std::string& place, Share share) const;
  /// Those that have a connection, `open` or `working`.
  unsigned connected(const std::string& place) const {
    return count(place, Share::open) + count(place, Share::working);
  }

  /// It let no further connection in beside those that are open: no more than these from now on; one more every five
  /// minutes.
  void lower(const std::string& place, Time now);
  /// It was not for the number of connections: the place is down.
  void raise(const std::string& place);
  /// Its hosts take so many messages over one connection: remembered for ten minutes.
  void allow_messages(const std::string& place, unsigned messages, Time now);
  /// 0: any number.
  unsigned messages(const std::string& place, Time now) const;
  std::size_t size() const { return places_.size(); }

private:
  struct Place {
    std::array<unsigned, 5> workers{}; ///< by Share
    unsigned most = 0;                 ///< connections; 0: not lowered
    Time lowered{};
    unsigned messages = 0; ///< over one connection; 0: not known
    Time learnt{};
  };
  const Place* find(const std::string& place) const;
  Place& get(const std::string& place, Time now);

  std::map<std::string, Place> places_;
};

} // namespace paquebot::delivery
