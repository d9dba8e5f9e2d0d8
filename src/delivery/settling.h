#pragma once

#include "delivery/commons.h"
#include "mail/told.h"
#include "metrics/counters.h"
#include "queue/queue.h"
#include "store/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// What a peer took over along with the message, or did not.
struct Handed {
  bool dsn = false;                                      ///< NOTIFY
  bool tell_relayed = false;                             ///< BY went no further, or a trace was wished
  metrics::DeliveryTls tls = metrics::DeliveryTls::none; ///< of the connection
};

/// Records what became of the recipients of a worker's jobs, one job after the other. Knows whom nothing was recorded
/// of yet: whatever happens, these are neither lost nor given back twice.
class Settling {
public:
  Settling(Commons& commons, std::string destination);

  /// From now on it is about that destination. Nothing of the one before is in hand.
  void move_to(const std::string& destination) {
    destination_ = destination;
    again_at_ = 0;
  }
  /// From now on it is about this job.
  void begin(const queue::Job& job);
  /// Somebody else has taken over those that are left.
  void end() { unsettled_.recipients.clear(); }

  /// Every recipient on its own (RFC 5321 section 4.2.1): `all` has what was said of each. `works`: the destination was
  /// reached.
  Task<void> results(const queue::Job& part, std::vector<mail::Told> all, bool works, Handed handed);
  /// What keeps us is our own resolver or this machine. What was ready waits a little: no attempt counts, and the
  /// destination is not said to have failed. What is past its lifetime is returned all the same.
  Task<void> put_off(const queue::Job& job, mail::Told told);
  /// The destination can't be reached now: the job and all that was ready for the same place had their attempt, and
  /// wait for the next one together.
  Task<void> fail_place(const queue::Job& job, mail::Told told);
  /// What was ready for the place that has just failed, and whose senders overrule what it failed with (TLS-Required:
  /// No): each goes in an attempt of its own, from begin() on, whose success says nothing of the place for others.
  std::optional<queue::Job> next_apart();
  /// The site pauses, since it said that: what was ready waits in the store, unattempted, and what is past its lifetime
  /// is returned.
  Task<void> put_away(mail::Told told);
  /// The job may not go before that time (wall milliseconds): it waits in the store, unattempted.
  Task<void> set_aside(const queue::Job& job, std::int64_t due);
  /// It had its attempt, and is held until an operator lets it go, since the rule of a provider says so.
  Task<void> hold(const queue::Job& job, mail::Told told, const std::string& rule);
  /// The sender wanted it back when it took so long (RFC 2852 section 4.1.3): no further attempt.
  Task<void> give_up_late(const queue::Job& job);
  /// The rest of a job whose destination failed waits with it, unattempted.
  Task<void> give_back(const queue::Job& job);
  /// Our own fault, `why`: whoever nothing was recorded of waits for another attempt.
  Task<void> pick_up_pieces(std::string why);

private:
  void settles(const std::vector<store::Outcome>& outcomes);
  std::int64_t judged_at();
  std::int64_t free_since(const queue::Job& job, const store::RecipientFacts& recipient) const;
  void judge(const queue::Job& job, const mail::Told& told, std::int64_t now, std::int64_t retry_at,
             std::vector<store::Outcome>& outcomes) const;
  Task<void> expire_waiting(mail::Told told);

  Commons& commons_;
  std::string destination_;
  std::int64_t judged_at_ = 0; ///< the time that counts for all recipients of the job in hand
  std::int64_t again_at_ = 0;  ///< when what was put off is due; 0: nothing was
  bool in_apart_ = false;      ///< the job in hand is one of:
  std::vector<queue::Job> apart_;
  queue::Job unsettled_; ///< the message in hand, with those of its recipients of whom nothing was recorded yet
};

} // namespace paquebot::delivery
