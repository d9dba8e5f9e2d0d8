#pragma once

#include "queue/core.h"
#include "store/suspension.h"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::queue {

/// Operators' standing orders, as this node knows them. The store holds what comes new; here is done what else they ask
/// for. Thread-safe.
class Suspensions {
public:
  explicit Suspensions(Core& core) : core_(core) {}

  /// Carries out an order to the queue (Orders::operate, or QueueStore::operate without a server).
  using Order =
      std::function<Task<Result<std::size_t>>(store::QueueAction action, store::QueueFilter filter, std::string who)>;
  /// What waits and is to be held is held, what is to be let go is let go; how many recipients that were. Whatever it
  /// is broken off in, the next call goes on there.
  static Task<Result<std::size_t>> attend(store::QueueStore& queue, Order order, std::int64_t now);

  /// The same for this node, which may have in its windows what another one's call has not seen. Call it every few
  /// seconds.
  Task<Result<>> attend(Order order);

  /// Since when no operator has kept what this account sends to this address by way of that destination from going; 0:
  /// always. What kept it is no delay.
  std::int64_t free_since(store::Id account, const std::string& address, const std::string& destination) const;

  /// How many stand.
  std::size_t in_force() const;

private:
  Core& core_;
  std::vector<store::Suspension> known_;                     ///< under the lock of the core
  std::set<std::pair<std::string, std::int64_t>> held_here_; ///< names and beginnings of which the windows are empty
};

} // namespace paquebot::queue
