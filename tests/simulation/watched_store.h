#pragma once

#include "chance.h"
#include "ledger.h"
#include "store/wrapped_store.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::simulation {

/// The world's eyes between a server and its store: they tell the ledger what is promised there. `awake` says whether
/// the server still lives: what a dead one hears does not count.
class WatchedAcceptance : public store::WrappedAcceptance {
public:
  using WrappedAcceptance::WrappedAcceptance;
  Task<store::AcceptResult> accept(std::shared_ptr<const store::AcceptRequest> request) override;

  Ledger* ledger = nullptr;
  std::function<bool()> awake;
};

class WatchedQueue : public store::WrappedQueueStore {
public:
  using WrappedQueueStore::WrappedQueueStore;
  Task<Result<store::Claim>> claim(std::string destination, std::int64_t now, std::size_t most) override;
  Task<Result<std::vector<store::WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                           std::size_t most) override;
  Task<Result<std::vector<store::WorkItem>>> claim_overdue(std::int64_t now, std::size_t most) override;
  Task<Result<std::size_t>> record(std::vector<store::Outcome> outcomes,
                                   std::optional<store::DestinationUpdate> destination) override;

  Ledger* watching = nullptr;
  std::function<bool()> alive;

private:
  void note(const std::vector<store::WorkItem>& items);
};

class WatchedStore final : public store::Wrapped<WatchedAcceptance, WatchedQueue> {
public:
  WatchedStore(store::Store& inner, Ledger& ledger, const std::function<bool()>& awake);
};

/// What is made wrong below the eyes, so that there is something to be found.
enum class Planted : std::uint8_t {
  nothing,
  lost_outcome, ///< that something was relayed is told to be recorded, and is not
  late_cancel,  ///< a cancellation is told to be done an hour before it is
  double_claim, ///< what was given to one worker is given to another one too
};

class FaultyQueue : public store::WrappedQueueStore {
public:
  using WrappedQueueStore::WrappedQueueStore;
  Task<Result<store::Claim>> claim(std::string destination, std::int64_t now, std::size_t most) override;
  Task<Result<std::size_t>> record(std::vector<store::Outcome> outcomes,
                                   std::optional<store::DestinationUpdate> destination) override;
  Task<Result<std::size_t>> operate(store::QueueAction action, store::QueueFilter filter, std::string who,
                                    std::int64_t now) override;

  Planted planted = Planted::nothing;

private:
  Task<void> cancel_late(std::int64_t now);

  struct Order {
    store::QueueFilter filter;
    std::string who;
    std::int64_t due;
  };
  std::vector<Order> orders_;
  std::map<std::string, store::WorkItem> given_; ///< by the last claim of a destination
  unsigned calls_ = 0;
};

class FaultyStore final : public store::Wrapped<FaultyQueue> {
public:
  FaultyStore(store::Store& inner, Planted what) : Wrapped(inner) { planted = what; }
};

} // namespace paquebot::simulation
