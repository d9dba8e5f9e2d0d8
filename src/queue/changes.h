#pragma once

#include "queue/destinations.h"

#include <functional>
#include <set>
#include <string>

namespace paquebot::queue {

/// Notes which back-offs change in memory, from where they go into the store, while somebody reads there: what he reads
/// of these may be older. A claim reads of one destination, and finds the note there (Destination::changed); a listing
/// reads of all. Guard it by a lock.
class Changes {
public:
  void begin(const std::string& key, Destination& place) {
    ++place.changing;
    note(key, place);
  }
  /// The store knows it.
  void end(const std::string& key, Destination& place) {
    --place.changing;
    note(key, place);
  }

  static void begin_claim(Destination& place) { place.changed = place.changing > 0; }
  void begin_listing() { ++listings_; }
  void end_listing() {
    if (--listings_ == 0) noted_.clear();
  }
  /// Whether what a listing says of it may be older. `place`: null if there is none.
  bool newer(const std::string& key, const Destination* place) const {
    return noted_.contains(key) || (place != nullptr && place->changing > 0);
  }

private:
  void note(const std::string& key, Destination& place) {
    place.changed = true;
    if (listings_ > 0) noted_.insert(key);
  }

  unsigned listings_ = 0;
  std::set<std::string, std::less<>> noted_;
};

} // namespace paquebot::queue
