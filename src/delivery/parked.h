#pragma once

#include "delivery/connector.h"
#include "delivery/peer.h"
#include "queue/plan.h"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// Open connections that are ready for mail and have none, by place (MX set or route): the next message to the same
/// place takes one. Use from one executor.
class Parked {
public:
  explicit Parked(std::size_t most = 200) : most_(most) {}
  /// Takes a connection to the plan's place, to a host of the plan (who has the same best hosts may have backups of its
  /// own), whose proof satisfies what is needed of that host, and that was made under the plan's terms. Null when
  /// none is parked.
  std::unique_ptr<Peer> take(const queue::Plan& plan, const Needs& needs);
  /// The hosts that connections to a place are open to.
  std::vector<std::string> hosts_at(const std::string& place) const;
  /// Keeps one for later; returns the oldest one when there are too many.
  std::unique_ptr<Peer> keep(const std::string& place, std::unique_ptr<Peer> peer,
                             std::chrono::steady_clock::time_point now);
  /// Takes out one that was parked before `since`; null when there is none.
  std::unique_ptr<Peer> expired(std::chrono::steady_clock::time_point since);
  std::size_t size() const { return order_.size(); }

private:
  struct Entry {
    std::string place;
    std::unique_ptr<Peer> peer;
    std::chrono::steady_clock::time_point since;
  };
  std::unique_ptr<Peer> oldest();

  std::size_t most_;
  std::deque<Entry> order_; ///< oldest first; short, so a search is cheap
};

} // namespace paquebot::delivery
