#pragma once

#include "delivery/attempt.h"
#include "delivery/commons.h"
#include "delivery/content.h"
#include "delivery/finding.h"
#include "delivery/passage.h"
#include "delivery/settling.h"
#include "queue/queue.h"
#include "queue/seats.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// Discharges jobs, one after the other: those of a destination, and then of others with the same site. Finds out where
/// its mail goes before it takes any; takes each from the queue, finds a connection for it, sends, and has recorded
/// what became of each recipient. `commons` must outlive run().
class Worker {
public:
  /// For a worker that the queue has started, with what it takes of all deliveries until it has a job
  /// (Queue::start_worker()).
  Worker(Commons& commons, queue::Post post, queue::Seat seat);

  /// Until the queue has no more, or the destination or its site has to wait, or Commons::stopping. Whatever is thrown
  /// in it, the job goes on, the worker is released and its places are free afterwards. Throws only where that failed
  /// too. Call once.
  Task<void> run();

private:
  Task<void> serve();
  Task<bool> locate();
  Task<bool> serve_destination();
  Task<bool> must_wait(const queue::Job& job);
  Task<queue::Throttles::Subjects> subjects_of(const queue::Job& job);
  Task<bool> move_on();
  Task<void> send_apart();
  Task<std::optional<bool>> is_ours();
  Task<void> pick_up_pieces(std::exception_ptr error);
  Task<Way> handle(queue::Job& job);
  Task<Way> send_all(queue::Job& job);
  Task<Way> send_part(queue::Job& part, std::vector<store::RecipientFacts>& rest);
  Task<Way> connect(const queue::Job& job, Attempt& attempt);
  Task<Way> settle_last(const queue::Job& job, Attempt& attempt);
  Task<Way> no_way(const queue::Job& job, mail::Told failure);
  Task<bool> transmit(queue::Job& part, Content& content, Attempt& attempt, std::vector<store::RecipientFacts>& rest);
  Task<void> settle_orders(queue::Job& part, std::vector<mail::Told>& all, Finding& finding,
                           const Passage::Heeded& heeded);
  Task<bool> settle_finding(queue::Job& part, std::vector<mail::Told> all, const Finding& finding, Handed handed,
                            Attempt& attempt, std::vector<store::RecipientFacts>& rest);

  Commons& commons_;
  queue::Post post_;
  Passage passage_;
  Settling settling_;
  bool ours_ = false;                   ///< the destination is a domain of this server
  queue::Throttles::Subjects subjects_; ///< of the job in hand
  unsigned turn_ = 0;                   ///< jobs of it while others waited for the site
};

} // namespace paquebot::delivery
