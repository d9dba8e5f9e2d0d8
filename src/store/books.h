#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/dmarc_days.h"
#include "store/greylist.h"
#include "store/sending_limits.h"
#include "store/sts.h"
#include "store/suppression.h"
#include "store/takeover.h"
#include "store/types.h"
#include "store/within.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

/// What is counted and remembered about people's mail: bounds of accounts, accounts that look taken over, greylisting,
/// aggregate reports of DMARC and on TLS; and what other domains want of whoever sends to them.
class Books {
public:
  virtual ~Books() = default;

  /// What accept() of submissions and record() watch for from now on; nothing before.
  virtual void watch_accounts(TakeoverRules rules) = 0;
  /// Marks an account: from then on what it submits is accepted with all recipients held, and what is in hand is held
  /// when it would wait again. (What waits already is for operate().) False when it is marked already or gone.
  virtual Task<Result<bool>> suspect(Id account, TakeoverSign signal, std::string reason) = 0;
  /// All marked accounts, oldest first. `with_counts` fills `held`.
  virtual Task<Result<std::vector<Suspicion>>> list_suspicions(bool with_counts) = 0;
  /// Marked accounts within reach, by login, behind `after`, at most `most`; `held` is filled.
  virtual Task<Result<std::vector<Suspicion>>> page_suspicions(Within within, std::string after, std::size_t most) = 0;
  /// The account's mark; nothing: it has none. `held` is filled.
  virtual Task<Result<std::optional<Suspicion>>> get_suspicion(Id account) = 0;
  virtual Task<Result<>> suspicion_told(Id account) = 0;
  /// Counts a login of the account from a network (at most 64 octets, whatever whoever counts takes for one); from how
  /// many it came within the last `within`, at any node, this one among them. Begins anew when the account is marked,
  /// and when the mark is taken away. Kept behind or in memory: with the last node that ends it may be forgotten.
  virtual Task<Result<unsigned>> note_network(Id account, std::string network, std::chrono::seconds within) = 0;
  /// Takes the mark away, and counts anew for the rules; what is held stays so. False when there was none.
  virtual Task<Result<bool>> clear_suspicion(Id account) = 0;
  /// Recipients that the account named, to which we relayed, and for which a report says so for the first time count as
  /// failed, and the trail tells of it. How many there were.
  virtual Task<Result<std::size_t>> note_bounces(LateBounces bounces) = 0;
  /// A report came to a return address of ours: noted in the trail of its message, with what it says of recipients that
  /// were relayed; false when that was done `most` times before, or nothing is known of the message.
  virtual Task<Result<bool>> note_proven_return(ProvenReturn proven) = 0;
  /// Somebody calls a message of ours spam: noted in its trail, once for each recipient, whom a message by the API
  /// reaches no more. False when nobody can be meant, or it was told before.
  virtual Task<Result<bool>> note_complaint(Complaint complaint) = 0;
  /// What keeps mail by the API of this account from the address; nothing: nothing does.
  virtual Task<Result<std::optional<Suppression>>> find_suppression(Id account, std::string address) = 0;
  /// `since` is now. conflict when the address is there already, no_space when kMostSuppressions are, not_found without
  /// its owner.
  virtual Task<Result<Suppression>> add_suppression(Suppression one) = 0;
  virtual Task<Result<Suppression>> get_suppression(Id id) = 0;
  virtual Task<Result<>> remove_suppression(Id id) = 0;
  /// At most `most` behind `after`, by id.
  virtual Task<Result<std::vector<Suppression>>> list_suppressions(SuppressionFilter filter, Id after,
                                                                   std::size_t most) = 0;
  /// Rises when an account is marked, perhaps a moment before that is committed. Cheap.
  virtual std::uint64_t suspicion_generation() = 0;
  /// What the account has sent in the windows of `now`, and the bounds that hold for it: its own, else `general`.
  virtual Task<Result<std::vector<LimitUse>>> limit_use(Id account, Limits general, std::int64_t now) = 0;
  /// The account's own bound (0: none at all); nothing: the general one holds again. not_found without such an account.
  virtual Task<Result<>> set_limit(Id account, LimitKind kind, std::optional<std::uint64_t> most) = 0;
  /// Merges rows with what is there, which another node may have learned: what has passed stays so, seen first at the
  /// earliest time and last at the latest; those that are `gone` are deleted. Called behind the mail: a crash may lose
  /// seconds of it.
  virtual Task<Result<>> save_greylist(std::vector<GreyRow> rows) = 0;
  /// Those of these rows that there are, in any order: asked before somebody is told to come again, since he may have
  /// come to another node before.
  virtual Task<Result<std::vector<GreyRow>>> find_greylist(std::vector<std::string> keys) = 0;
  /// At most `most` rows with key > `after`, by key.
  virtual Task<Result<std::vector<GreyRow>>> load_greylist(std::string after, std::size_t most) = 0;
  /// Adds to what is kept for reports; how many messages had no room within the bounds of dmarc_days.h.
  virtual Task<Result<std::uint64_t>> count_dmarc(std::vector<DmarcCount> counts) = 0;
  /// Reports about days before `day` (the first millisecond of one), oldest first, behind `after` and of its kind.
  virtual Task<Result<std::vector<DmarcDue>>> list_dmarc(std::int64_t day, DmarcDay after, std::size_t most) = 0;
  /// The rows of a report, by source and detail, behind `after`.
  virtual Task<Result<std::vector<DmarcRow>>> read_dmarc(DmarcDay of, std::optional<DmarcRow> after,
                                                         std::size_t most) = 0;
  /// Forgets a report that nobody is to get. not_found when there is none.
  virtual Task<Result<>> drop_dmarc(DmarcDay of) = 0;
  /// Keeps a policy of MTA-STS in place of the one before.
  virtual Task<Result<>> save_sts(StsRow row) = 0;
  virtual Task<Result<>> drop_sts(std::string domain) = 0;
  /// At most `most` with domain > `after`, by domain.
  virtual Task<Result<std::vector<StsRow>>> load_sts(std::string after, std::size_t most) = 0;
};

} // namespace paquebot::store
