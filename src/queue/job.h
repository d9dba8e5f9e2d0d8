#pragma once

#include "queue/seats.h"
#include "store/types.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::queue {

/// One message for one destination, in hand. Its content is in memory when it is fresh, else in the store.
struct Job {
  store::MessageFacts message;
  std::vector<store::RecipientFacts> recipients;
  std::shared_ptr<const store::AcceptRequest> fresh;
  Seat seat{}; ///< what it takes of the deliveries while it is in hand
};

/// Whether strangers may have made us send it to wherever they like: what we write ourselves, and whatever comes
/// without a sender and goes on, such as to a return address of ours (SRS). Not what an account submits.
bool is_report(const store::MessageFacts& message);

/// A job of what the store gave.
Job job_of(store::WorkItem item);

/// The recipients of jobs wait in the store again, untried and due now (wall milliseconds), or when their message has
/// expired.
void let_wait(const std::vector<Job>& jobs, std::int64_t now, std::vector<store::Outcome>& outcomes);

/// What became of recipients of one message for one destination.
struct Settled {
  std::string destination;
  std::vector<store::Outcome> outcomes;
};

} // namespace paquebot::queue
