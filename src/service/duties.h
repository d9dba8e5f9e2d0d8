#pragma once

#include "service/assembly.h"
#include "service/rounds.h"

#include <functional>
#include <string>
#include <vector>

namespace paquebot::service {

/// What the server does by itself, without a client: the rounds of its upkeep, and what waits in the queue. Use on the
/// assembly's first executor.
class Duties {
public:
  /// Both must outlive it; `stopping` makes all of it end.
  Duties(Assembly& assembly, const bool& stopping);

  /// Slices of the store's upkeep and all that is saved, a pause between rounds.
  Task<void> keep_house();
  /// Writes down what reports of DMARC and on TLS will tell, and sends those that are due.
  Task<void> report_dmarc();
  /// Gets certificates, and renews them.
  Task<void> tend_certificates();
  /// Takes in what programs of this machine have dropped.
  Task<void> pick_up_drops();
  /// At the start: what was in hand of accounts that look taken over waits again, it is held before anything is sent.
  Task<void> begin_queue();
  /// What waits in the store is known to the queue only after this: a store that can't be read just now is asked again.
  Task<void> load_queue();
  /// Whether this node is to begin no work that another one can do; `told` hears it.
  Task<void> attend_drain(std::function<void(bool drained)> told);
  /// What waits for a route that was changed is tried at once.
  Task<void> wake_routes(std::vector<std::string> destinations);

private:
  std::vector<Round> house();
  std::vector<Round> reports();
  std::vector<Round> orders();
  bool suspicions_changed();
  Task<void> tend_clock();
  Task<void> save();
  Task<void> attend_suspects(bool all);
  Task<void> attend_suspensions();
  Task<void> tell_of_certificate();
  Task<void> count_hours();
  Task<void> maintain();
  Task<void> expire_mail();
  Task<void> send_reports();
  Task<void> look_at_queue();

  Assembly& parts_;
  const bool& stopping_;
  bool drained_ = false;
  std::uint64_t suspicions_ = 0;    ///< the generation that was attended to
  Rounds house_, reports_, orders_; ///< those that may take long have tables of their own: nothing else waits for them
};

} // namespace paquebot::service
