#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/suspension.h"
#include "store/types.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

/// Which recipients an operator means.
struct QueueFilter {
  std::optional<Ulid> message;
  std::string destination;           ///< key; empty: any
  std::string address;               ///< sender or recipient; empty: any
  bool held_only = false;            ///< held, or held for later
  Id account = 0;                    ///< who submitted it; 0: anybody
  bool takeover_only = false;        ///< held because the account looks taken over (HoldKind::takeover)
  std::vector<std::uint32_t> only{}; ///< with `message`: these of its recipients; empty: all
  std::string source{};              ///< `rebind`: to which; "": to none
  std::uint32_t holds = 0;           ///< of what is held only these kinds (bit_of); 0: any
  std::string domain{};              ///< of recipients' addresses; empty: any
};
constexpr std::uint32_t bit_of(HoldKind kind) { return 1u << static_cast<unsigned>(kind); }
/// Of all kinds, of which HoldKind::suspended is the last.
inline constexpr std::uint32_t kAllHolds = 2 * bit_of(HoldKind::suspended) - 1;

/// What an order would change.
struct QueueCount {
  std::uint64_t messages = 0, recipients = 0;
  std::uint64_t senders = 0; ///< different reverse-paths, the empty one too
  bool more = false;         ///< there are more messages than were looked at
};

/// `retry` leaves alone what is held for later (is_held_for_later). `release` of a held recipient lets it wait again,
/// until that time when it has one; what is held for later it lets go at once, when the filter names the message or an
/// address. `suspend` is the hold of an account that looks taken over (HoldKind::takeover), `set_aside` that of a
/// Suspension (HoldKind::suspended), whose words are `who`. `resume` lets what that held wait again, unless another one
/// still does. `rebind` lets what waits leave from QueueFilter::source, now.
enum class QueueAction : std::uint8_t { retry, hold, release, cancel, suspend, set_aside, resume, rebind };

/// What waits to be delivered, what comes of it, and what operators order. A recipient that is claimed is in hand of
/// this node's epoch until its outcome is recorded; what is in hand when the epoch ends waits again. A call that fails
/// leaves nothing in hand: what it took all the same, by a commit of which nobody heard, waits again.
class QueueStore {
public:
  virtual ~QueueStore() = default;

  /// Destinations with waiting recipients, earliest due first. `with_counts` fills `waiting` and `oldest`.
  virtual Task<Result<std::vector<DestinationFacts>>> list_destinations(bool with_counts) = 0;
  /// Those behind the key `after`, by key, at most `most`; `waiting` and `oldest` are filled.
  virtual Task<Result<std::vector<DestinationFacts>>> page_destinations(std::string after, std::size_t most) = 0;
  /// Takes recipients of one destination that are due by `now` in hand for this epoch: at most `most`, grouped by
  /// message. First those of the highest priority above 0, then the others: of each lane (lane_of) as much, oldest due
  /// first. With `most` 0 it only tells of the destination.
  virtual Task<Result<Claim>> claim(std::string destination, std::int64_t now, std::size_t most) = 0;
  /// Those of a destination whose message has expired by `now`, regardless of their due time, taken in hand.
  virtual Task<Result<std::vector<WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                            std::size_t most) = 0;
  /// Waiting recipients of any destination whose deadline has passed by `now`, taken in hand, earliest deadline first.
  virtual Task<Result<std::vector<WorkItem>>> claim_overdue(std::int64_t now, std::size_t most) = 0;
  /// When the earliest waiting recipient of a destination is due; 0: none waits. One look into the index.
  virtual Task<Result<std::int64_t>> earliest_due(std::string destination) = 0;
  /// When the earliest deadline of a waiting recipient passes, anywhere; 0: none has one. One look into the index.
  virtual Task<Result<std::int64_t>> earliest_deadline() = 0;
  /// Commits what became of recipients in hand (or gives them back unattempted: to = waiting, attempted = false), and
  /// what was learned of the destination, in one transaction. How many of them counted: those that this epoch still
  /// held.
  virtual Task<Result<std::size_t>> record(std::vector<Outcome> outcomes,
                                           std::optional<DestinationUpdate> destination) = 0;
  /// Messages that owe a report, by id, behind `after`; for up to a minute not those with recipients in hand, which may
  /// soon owe one too. A page may be empty and have a next one.
  virtual Task<Result<OwedPage>> owed_reports(std::optional<Ulid> after, std::size_t most) = 0;
  /// Clears owed marks without a report (the RFCs forbid one after all).
  virtual Task<Result<>> waive_reports(Ulid message, std::vector<std::uint32_t> recipients) = 0;
  /// Unfinished messages (or held ones), by id, starting after `after`.
  virtual Task<Result<std::vector<WorkItem>>> list(QueueFilter filter, std::optional<Ulid> after, std::size_t most) = 0;
  /// What was learnt of sites, and is kept: those of which nothing is known any more are forgotten.
  virtual Task<Result<>> keep_sites(std::vector<SiteFacts> sites) = 0;
  virtual Task<Result<std::vector<SiteFacts>>> list_sites() = 0;
  /// What operate() would change if it were called now; not more than `most` messages are counted.
  virtual Task<Result<QueueCount>> count(QueueAction action, QueueFilter filter, std::int64_t now,
                                         std::size_t most) = 0;
  /// An order that stands from now on, in place of one about the same: acceptance and record() hold what it is about.
  /// What waits already is for queue::Suspensions::attend(). not_found: there is no such account; conflict: there are
  /// too many.
  virtual Task<Result<>> suspend(Suspension one) = 0;
  /// Ends it; what it holds is for queue::Suspensions::attend(). not_found: there is none in force.
  virtual Task<Result<>> end_suspension(Suspension::Of of, std::string name) = 0;
  /// What is asked of it is done, unless it is another one by now: false.
  virtual Task<Result<bool>> advance_suspension(Suspension seen, Suspension::Phase to) = 0;
  /// Also those that are over, for kKeepSuspension.
  virtual Task<Result<std::vector<Suspension>>> list_suspensions() = 0;
  /// Recipients that are held: all of them, by the index that has no others.
  virtual Task<Result<std::uint64_t>> count_held() = 0;
  /// An operator's order, recorded with `who`. Returns the number of recipients changed. `cancel` drops unfinished
  /// recipients. In-hand recipients are refused for `hold` and `cancel` unless they return to waiting first: they are
  /// left alone.
  virtual Task<Result<std::size_t>> operate(QueueAction action, QueueFilter filter, std::string who,
                                            std::int64_t now) = 0;
  /// Mends what a wall clock that was ahead has left of unfinished mail, now that it says `now`: what waits until later
  /// than `latest` though its sender did not wish it is due now, and messages that were accepted later than `latest`,
  /// and by many hours than last_beat(), count from now (not from before last_beat()), as do their lifetime, deadline
  /// and hold: a clock that is behind makes nothing old. How many recipients and messages that were. Cheap when there
  /// is none.
  virtual Task<Result<std::size_t>> pull_forward(std::int64_t now, std::int64_t latest) = 0;
};

} // namespace paquebot::store
