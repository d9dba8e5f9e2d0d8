#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "store/greylist.h"
#include "store/takeover.h"
#include "store/types.h"
#include "store/upkeep.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::store {

/// Which recipients an operator means.
struct QueueFilter {
  std::optional<Ulid> message;
  std::string destination;    ///< key; empty: any
  std::string address;        ///< sender or recipient; empty: any
  bool held_only = false;     ///< held, or held for later
  Id account = 0;             ///< who submitted it; 0: anybody
  bool takeover_only = false; ///< held because the account looks taken over (kTakeoverHold)
};

/// `retry` leaves alone what is held for later (is_held_for_later). `release` of a held recipient lets it wait again, until that time
/// when it has one; what is held for later it lets go at once, when the filter names the message or an address.
enum class QueueAction : std::uint8_t { retry, hold, release, cancel };

/// Everything durable. One interface, spoken in the words of the domain, so that SQLite in this process and PostgreSQL
/// on several nodes can stand behind it; no call assumes one process. All methods may be called from any thread's coroutine
/// and resume there; each is one transaction or one short read; nothing stays open across a co_await. After a method that
/// writes returns success, its effect is durable. Errors: no_space (disk full), io (store failing; retry later), conflict,
/// not_found, closed. Every execution context whose coroutines use a store must outlive it, and none may be waiting in it when it ends.
class Store {
public:
  virtual ~Store() = default;

  // ---- Acceptance ----
  /// Begins a staged body, owned by this node's epoch until accepted; swept when the epoch ends.
  virtual Task<Result<Id>> stage_begin() = 0;
  /// Appends a chunk (at most kBodyChunk). Waits while the byte budget is used up; no_space when it stays so.
  virtual Task<Result<>> stage_append(Id staged, std::string chunk) = 0;
  /// Makes all chunks durable. After it the body may be named in an AcceptRequest.
  virtual Task<Result<>> stage_finish(Id staged) = 0;
  /// Gives it up. Nobody waits, and who gives up a body deletes nothing: its content goes with the next upkeep, or the
  /// sweep of the next start. Nothing happens to what was accepted, or is in doubt.
  virtual void stage_abandon(Id staged) = 0;
  /// Takes responsibility: the promise behind every 250. Takes everything waiting as one commit. `request` is shared: the
  /// queue may deliver from the same memory. A failure of the store itself is AcceptStatus::failed or no_space (answer 4xx).
  virtual Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) = 0;

  // ---- Content ----
  virtual Task<Result<std::string>> read_head(Id head) = 0;
  /// At most `most` octets from `offset`; shorter only at the end. Checksums are verified.
  virtual Task<Result<std::string>> read_body(BodyRef body, std::uint64_t offset, std::size_t most) = 0;

  // ---- Queue ----
  /// Destinations with waiting recipients, earliest due first. `with_counts` fills `waiting` (slow).
  virtual Task<Result<std::vector<DestinationFacts>>> list_destinations(bool with_counts) = 0;
  /// Takes recipients of one destination that are due by `now` in hand for this epoch: at most `most`, grouped by message. First
  /// those of the highest priority above 0, then the others, each oldest due first.
  virtual Task<Result<std::vector<WorkItem>>> claim(std::string destination, std::int64_t now, std::size_t most) = 0;
  /// Those of a destination whose message has expired by `now`, regardless of their due time, taken in hand.
  virtual Task<Result<std::vector<WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                            std::size_t most) = 0;
  /// When the earliest deadline of a waiting recipient passes, anywhere; 0: none has one. One look into the index.
  virtual Task<Result<std::int64_t>> earliest_deadline() = 0;
  /// Waiting recipients of any destination whose deadline has passed by `now`, taken in hand, earliest deadline first.
  virtual Task<Result<std::vector<WorkItem>>> claim_overdue(std::int64_t now, std::size_t most) = 0;
  /// When the earliest waiting recipient of a destination is due; 0: none waits. One look into the index.
  virtual Task<Result<std::int64_t>> earliest_due(std::string destination) = 0;
  /// Commits what became of recipients in hand (or gives them back unattempted: to = waiting, attempted = false), and what was
  /// learned of the destination, in one transaction.
  virtual Task<Result<>> record(std::vector<Outcome> outcomes, std::optional<DestinationUpdate> destination) = 0;
  /// Messages that owe a report, by id, behind `after`; for up to a minute not those with recipients in hand, which may
  /// soon owe one too. A page may be empty and have a next one.
  virtual Task<Result<OwedPage>> owed_reports(std::optional<Ulid> after, std::size_t most) = 0;
  /// Clears owed marks without a report (the RFCs forbid one after all).
  virtual Task<Result<>> waive_reports(Ulid message, std::vector<std::uint32_t> recipients) = 0;
  /// Unfinished messages (or held ones), by id, starting after `after`.
  virtual Task<Result<std::vector<WorkItem>>> list_queue(QueueFilter filter, std::optional<Ulid> after,
                                                         std::size_t most) = 0;
  /// An operator's order, recorded with `who`. Returns the number of recipients changed. `cancel` drops unfinished recipients.
  /// In-hand recipients are refused for `hold` and `cancel` unless they return to waiting first: they are left alone.
  virtual Task<Result<std::size_t>> operate(QueueAction action, QueueFilter filter, std::string who,
                                            std::int64_t now) = 0;

  /// Mends what a wall clock that was ahead has left of unfinished mail, now that it says `now`: what waits until later
  /// than `latest` though its sender did not wish it is due now, and messages that were accepted later than `latest`, and
  /// by many hours than last_beat(), count from now (not from before last_beat()), as do their lifetime, deadline and
  /// hold: a clock that is behind makes nothing old. How many recipients and messages that were. Cheap when there is none.
  virtual Task<Result<std::size_t>> pull_forward(std::int64_t now, std::int64_t latest) = 0;

  // ---- Trail ----
  virtual Task<Result<Trace>> trace(Ulid message) = 0;
  /// Messages with this sender or recipient address, newest first.
  virtual Task<Result<std::vector<Ulid>>> find_messages(std::string address, std::int64_t since, std::size_t most) = 0;

  /// Messages of strangers with an id of this millisecond that addresses of ours handed on to others, and whose trail is kept: at
  /// most `most`, by id.
  virtual Task<Result<std::vector<Forwarded>>> forwarded_at(std::int64_t time, std::size_t most) = 0;
  /// Something comes back about such a message, as `report`: noted in its trail, unless that was done `most` times before, or the
  /// message is not known. False then.
  virtual Task<Result<bool>> note_return(Ulid message, Ulid report, std::uint64_t most) = 0;

  // ---- Mailboxes ----
  virtual Task<Result<MailboxInfo>> open_mailbox(Id account, std::string name) = 0;
  /// One session a mailbox: conflict when another holds it. Ends with unlock or with this node's epoch.
  virtual Task<Result<>> lock_mailbox(Id mailbox) = 0;
  virtual void unlock_mailbox(Id mailbox) = 0;
  /// Entries with uid > `after_uid`, ascending.
  virtual Task<Result<std::vector<EntryInfo>>> list_entries(Id mailbox, std::uint32_t after_uid, std::size_t most) = 0;
  /// The uid of every `stride`-th entry (the 1st, the stride+1st, …) with uid < `below_uid`: a sparse index for message numbers.
  virtual Task<Result<std::vector<std::uint32_t>>> index_entries(Id mailbox, std::uint32_t below_uid,
                                                                 std::uint32_t stride) = 0;
  virtual Task<Result<EntryContent>> read_entry(Id mailbox, std::uint32_t uid) = 0;
  /// Whether something with this AcceptRequest::digest was imported into the account's INBOX, still there or deleted since.
  virtual Task<Result<bool>> was_imported(Id account, std::string digest) = 0;
  /// Several at once, in the order of `uids` (at least one), for who wants one after the other. Bodies that lie beside their
  /// head (at most kInlineBody octets) come along as `text`. Ends in front of the entry that would make it more than `most`
  /// octets in all, or that can't be read; the first is always there, or its error.
  virtual Task<Result<std::vector<EntryContent>>> read_entries(Id mailbox, std::vector<std::uint32_t> uids,
                                                               std::size_t most) = 0;
  /// Deletes entries (uids ascending); those already gone are passed over. One transaction.
  virtual Task<Result<std::size_t>> expunge(Id mailbox, std::vector<std::uint32_t> uids, std::string who) = 0;

  /// What one slice of expiry did.
  struct Expired {
    std::size_t removed = 0;
    bool more = false; ///< the round over all mailboxes is not done yet
  };
  /// One slice of a round over all mailboxes: deletes entries that came into their mailbox before `before`, whatever
  /// the ids of their messages; the trail says `who`. Once a day a round looks at every entry; the others end in each
  /// mailbox at the first that is not old and not of the future. Mailboxes that are locked are left for the next round;
  /// it holds the lock itself.
  virtual Task<Result<Expired>> expire_entries(std::int64_t before, std::string who) = 0;

  // ---- Accounts that look taken over ----
  /// What accept() of submissions and record() watch for from now on; nothing before.
  virtual void watch_accounts(TakeoverRules rules) = 0;
  /// Marks an account: from then on what it submits is accepted with all recipients held, and what is in hand is held when it would
  /// wait again. (What waits already is for operate().) False when it is marked already or gone.
  virtual Task<Result<bool>> suspect(Id account, Signal signal, std::string reason) = 0;
  /// All marked accounts, oldest first. `with_counts` fills `held`.
  virtual Task<Result<std::vector<Suspicion>>> list_suspicions(bool with_counts) = 0;
  virtual Task<Result<>> suspicion_told(Id account) = 0;
  /// Takes the mark away, and counts anew for the rules; what is held stays so. False when there was none.
  virtual Task<Result<bool>> clear_suspicion(Id account) = 0;
  /// Recipients that the account named, to which we relayed, and for which a report says so for the first time count as failed, and
  /// the trail tells of it. How many there were.
  virtual Task<Result<std::size_t>> note_bounces(LateBounces bounces) = 0;
  /// Rises when an account is marked, perhaps a moment before that is committed. Cheap.
  virtual std::uint64_t suspicion_generation() = 0;

  // ---- Directory ----
  /// Rises with every change of domains, accounts or addresses: caches compare it. Cheap.
  virtual std::uint64_t directory_generation() = 0;
  virtual Task<Result<Domain>> add_domain(std::string name) = 0;
  /// conflict while it still has addresses or accounts. Its DKIM keys go with it.
  /// A domain in which every address of `of` is one, and no other (Domain::alias_of). invalid when that is itself an alias.
  virtual Task<Result<Domain>> add_alias_domain(std::string name, std::string of) = 0;
  virtual Task<Result<>> remove_domain(std::string name) = 0;
  virtual Task<Result<std::vector<Domain>>> list_domains() = 0;
  virtual Task<Result<>> set_domain_owner(std::string name, Id account) = 0;
  /// What the account has sent in the windows of `now`, and the bounds that hold for it: its own, else `general`.
  virtual Task<Result<std::vector<LimitUse>>> limit_use(Id account, Limits general, std::int64_t now) = 0;
  /// The account's own bound (0: none at all); nothing: the general one holds again. not_found without such an account.
  virtual Task<Result<>> set_limit(Id account, LimitKind kind, std::optional<std::uint64_t> most) = 0;
  /// Makes account, its address and INBOX. The first account of a domain becomes its owner.
  virtual Task<Result<Account>> add_account(Account account) = 0;
  virtual Task<Result<Account>> find_account(std::string login) = 0;
  virtual Task<Result<Account>> get_account(Id id) = 0;
  virtual Task<Result<std::vector<Account>>> list_accounts(std::string domain) = 0;
  /// Sets password, disabled, quota and what belongs to SCRAM from `account`.
  virtual Task<Result<>> update_account(Account account) = 0;
  /// With its mailboxes (in slices) and addresses. Fails with conflict while it is the only owner named by a domain unless
  /// no other account can take over; the next account of the domain becomes owner.
  virtual Task<Result<>> remove_account(std::string login) = 0;
  /// Sets what belongs to SCRAM only, and only while the password is still `account.password` (else conflict). Not a
  /// change of the directory for its generation.
  virtual Task<Result<>> set_scram(Account account) = 0;
  /// By label.
  virtual Task<Result<std::vector<AppPassword>>> list_app_passwords(Id account) = 0;
  /// conflict when the account has one of that label, no_space when it has 100.
  virtual Task<Result<AppPassword>> add_app_password(AppPassword password) = 0;
  virtual Task<Result<>> remove_app_password(Id account, Id id) = 0;
  /// Notes a login with it; one that is gone is passed over.
  virtual Task<Result<>> use_app_password(Id id, std::int64_t when, std::string from) = 0;
  /// All of a domain, or (for an empty name) of all domains: by domain, then oldest first.
  virtual Task<Result<std::vector<DkimKey>>> list_dkim_keys(std::string domain) = 0;
  /// Adds them all or none, with the time of now. not_found without such a domain; conflict when it has a key of that
  /// selector, or one of that algorithm that is `active` or `next` as the new one; no_space when it has 50.
  virtual Task<Result<>> add_dkim_keys(std::string domain, std::vector<DkimKey> keys) = 0;
  /// What is `next` becomes active, what was active of the same algorithm is retired, at once. not_found when nothing
  /// is `next`.
  virtual Task<Result<>> activate_dkim_keys(std::string domain) = 0;
  virtual Task<Result<>> remove_dkim_key(std::string domain, std::string selector) = 0;
  virtual Task<Result<AddressLookup>> find_address(std::string local, std::string domain) = 0;
  /// Adds targets to an alias, making it if needed; `account` leads the address to an account instead. Senders, if any are given,
  /// replace those there were. conflict when the
  /// address is taken by something else.
  virtual Task<Result<>> add_address(AddressEntry entry) = 0;
  /// Says who may write to an address (AddressEntry::senders), instead of what was said before. not_found when there is none.
  virtual Task<Result<>> set_senders(std::string local, std::string domain, std::vector<std::string> senders) = 0;
  /// Removes the address, or only `target` from it when not empty.
  virtual Task<Result<>> remove_address(std::string local, std::string domain, std::string target) = 0;
  virtual Task<Result<std::vector<AddressEntry>>> list_addresses(std::string domain) = 0;
  /// All addresses that lead straight to the account.
  virtual Task<Result<std::vector<AddressEntry>>> account_addresses(Id account) = 0;

  // ---- Greylisting ----
  /// Writes rows over what is there; those that are `gone` are deleted. Called behind the mail: a crash may lose seconds of it.
  virtual Task<Result<>> save_greylist(std::vector<GreyRow> rows) = 0;
  /// At most `most` rows with key > `after`, by key.
  virtual Task<Result<std::vector<GreyRow>>> load_greylist(std::string after, std::size_t most) = 0;
  // ---- DMARC aggregate reports ----
  /// Adds to what is kept for reports; how many messages had no room within the bounds of dmarc_days.h.
  virtual Task<Result<std::uint64_t>> count_dmarc(std::vector<DmarcCount> counts) = 0;
  /// Reports about days before `day` (the first millisecond of one), oldest first, behind `after`.
  virtual Task<Result<std::vector<DmarcDue>>> list_dmarc(std::int64_t day, DmarcDay after, std::size_t most) = 0;
  /// The rows of a report, by source and detail, behind `after`.
  virtual Task<Result<std::vector<DmarcRow>>> read_dmarc(DmarcDay of, std::optional<DmarcRow> after,
                                                         std::size_t most) = 0;
  /// Forgets a report that nobody is to get. not_found when there is none.
  virtual Task<Result<>> drop_dmarc(DmarcDay of) = 0;

  // ---- Settings, upkeep ----
  /// Small values that belong to the store (e.g. "queue.held"). Empty when unset. "login.secret" is there from the
  /// beginning: 64 random hex digits of this store, which never change.
  virtual Task<Result<std::string>> get_setting(std::string key) = 0;
  virtual Task<Result<>> set_setting(std::string key, std::string value) = 0; ///< an empty value unsets it
  /// At most `most` keys that begin with `prefix`, with their values, by key.
  virtual Task<Result<std::vector<std::pair<std::string, std::string>>>> list_settings(std::string prefix,
                                                                                       std::size_t most) = 0;
  /// When this node last wrote down that the clock was right (ClockTrust, kClockSetting); 0: never.
  virtual Task<Result<std::int64_t>> last_beat() = 0;
  virtual Task<Result<>> beat(std::int64_t now) = 0;
  /// One slice of upkeep (trails of what was accepted and came to its end long before `now`, dropped bodies, idle
  /// destinations, expired greylisting). True while there is more to do now.
  virtual Task<Result<bool>> maintain(std::int64_t now) = 0;
  /// Checks the invariants; a line for each violation, none when all hold.
  virtual Task<Result<std::vector<std::string>>> verify() = 0;
  /// One step of the same, beginning with VerifyPoint{}: for stores of any size, while work goes on.
  virtual Task<Result<VerifyStep>> verify_step(VerifyPoint from) = 0;
  /// Begins a backup of the whole store as the file `path` (absolute; conflict when it exists, or another backup is under
  /// way). It is consistent while work goes on: of one moment after this call. One with which nobody has gone on for two
  /// seconds is given up for it: whoever made it has gone.
  virtual Task<Result<BackupStep>> begin_backup(std::string path) = 0;
  /// Goes on with the backup of that ticket, again and again until `finished`; an error ends it and leaves no file. Nobody
  /// goes on for a minute: it is given up. not_found when there is none; conflict when another one was begun since.
  virtual Task<Result<BackupStep>> go_on_with_backup(std::uint64_t ticket) = 0;
  /// True while commits work; false after one failed for lack of room, until one works again (asked before DATA).
  virtual bool has_room() = 0;
};

/// The setting that says for how many milliseconds the clock has been synchronised since it is doubted; unset when it
/// is not.
inline constexpr const char* kClockSetting = "clock.synchronised";

struct SqliteOptions {
  std::string directory; ///< holds paquebot.db, bulk.db and the lock file
  unsigned readers = 2;
  std::uint64_t byte_budget = 64u << 20; ///< staged chunks waiting to be written
  std::int64_t keep_trail_ms = 30LL * 24 * 3600 * 1000;
  std::int64_t budget_patience_ms = 20'000; ///< how long stage_append waits for a place in the budget
  const Clock* clock = nullptr;             ///< the system's when null; must outlive the store
  /// After a failed sync the store could not be opened again: nothing may be acknowledged any more. Told why; by default that is
  /// logged and the process ends with status 70. When it returns, every later call fails with Errc::closed.
  std::function<void(std::string)> on_fatal;
};

/// Opens (making it when absent) the SQLite store: takes the directory's lock (conflict when another process has it, with its
/// pid in the message), migrates, checks, ends the last epoch and starts a new one. A damaged or newer database is refused, with
/// what to do. Completes wal_checkpoint(TRUNCATE) before returning.
Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options);

} // namespace paquebot::store
