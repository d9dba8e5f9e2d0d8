#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>

namespace paquebot::delivery {

/// What a worker has of its place.
enum class Share : std::size_t {
  none,
  opening, ///< a connection is being made
  refused, ///< it was not let in, and looks how the others fare
  open,    ///< it has a connection that carried nothing yet
  working, ///< it has a connection over which mail was taken or judged: the place works
};

/// The workers at each place (the MX sets and routes of plans, which are the sites of the queue), and what connections
/// they have there. Use from one executor.
class Places {
public:
  /// A worker's share becomes another one.
  void move(const std::string& place, Share from, Share to);
  unsigned count(const std::string& place, Share share) const;
  /// Those that have a connection, `open` or `working`.
  unsigned connected(const std::string& place) const {
    return count(place, Share::open) + count(place, Share::working);
  }

  std::size_t size() const { return places_.size(); }

private:
  using Workers = std::array<unsigned, 5>; ///< by Share
  std::map<std::string, Workers> places_;
};

} // namespace paquebot::delivery
