#pragma once

#include "store/lock_file.h"
#include "store/reserve.h"
#include "store/sqlite_archive.h"
#include "store/sqlite_bulk.h"
#include "store/sqlite_expiry.h"
#include "store/sqlite_open_counts.h"
#include "store/sqlite_readers.h"
#include "store/sqlite_tx.h"
#include "store/sqlite_writer.h"
#include "store/store.h"

#include <atomic>
#include <mutex>
#include <unordered_set>

namespace paquebot::store {

/// What open_sqlite has made ready.
struct SqliteParts {
  SqliteOptions options;
  LockFile lock;
  Db main;
  Db bulk;
  Id epoch;
};

/// The store on SQLite: this class only carries each call to the right thread. What a call does is in the function of
/// the same name in sqlite_accept, sqlite_queue, sqlite_mailbox, sqlite_directory, sqlite_trail, sqlite_maintain,
/// sqlite_verify and sqlite_bulk.
class SqliteStore final : public Store {
public:
  /// Throws DbError when a reader cannot be opened.
  explicit SqliteStore(SqliteParts parts);
  ~SqliteStore() override;

  Task<Result<Id>> stage_begin() override;
  Task<Result<>> stage_append(Id staged, std::string chunk) override;
  Task<Result<>> stage_finish(Id staged) override;
  void stage_abandon(Id staged) override;
  Task<AcceptResult> accept(std::shared_ptr<const AcceptRequest> request) override;

  Task<Result<std::string>> read_head(Id head) override;
  Task<Result<std::string>> read_body(BodyRef body, std::uint64_t offset, std::size_t most) override;

  Task<Result<std::vector<DestinationFacts>>> list_destinations(bool with_counts) override;
  Task<Result<std::vector<WorkItem>>> claim(std::string destination, std::int64_t now, std::size_t most) override;
  Task<Result<std::vector<WorkItem>>> claim_expired(std::string destination, std::int64_t now,
                                                    std::size_t most) override;
  Task<Result<std::int64_t>> earliest_deadline() override;
  Task<Result<std::vector<WorkItem>>> claim_overdue(std::int64_t now, std::size_t most) override;
  Task<Result<std::int64_t>> earliest_due(std::string destination) override;
  Task<Result<>> record(std::vector<Outcome> outcomes, std::optional<DestinationUpdate> destination) override;
  Task<Result<OwedPage>> owed_reports(std::optional<Ulid> after, std::size_t most) override;
  Task<Result<>> waive_reports(Ulid message, std::vector<std::uint32_t> recipients) override;
  Task<Result<std::vector<WorkItem>>> list_queue(QueueFilter filter, std::optional<Ulid> after,
                                                 std::size_t most) override;
  Task<Result<std::size_t>> operate(QueueAction action, QueueFilter filter, std::string who, std::int64_t now) override;
  Task<Result<std::size_t>> pull_forward(std::int64_t now, std::int64_t latest) override;

  Task<Result<Trace>> trace(Ulid message) override;
  Task<Result<std::vector<Ulid>>> find_messages(std::string address, std::int64_t since, std::size_t most) override;

  Task<Result<std::vector<Forwarded>>> forwarded_at(std::int64_t time, std::size_t most) override;
  Task<Result<bool>> note_return(Ulid message, Ulid report, std::uint64_t most) override;

  Task<Result<MailboxInfo>> open_mailbox(Id account, std::string name) override;
  Task<Result<>> lock_mailbox(Id mailbox) override;
  void unlock_mailbox(Id mailbox) override;
  Task<Result<Expired>> expire_entries(std::int64_t before, std::string who) override;
  Task<Result<std::vector<EntryInfo>>> list_entries(Id mailbox, std::uint32_t after_uid, std::size_t most) override;
  Task<Result<std::vector<std::uint32_t>>> index_entries(Id mailbox, std::uint32_t below_uid,
                                                         std::uint32_t stride) override;
  Task<Result<EntryContent>> read_entry(Id mailbox, std::uint32_t uid) override;
  Task<Result<bool>> was_imported(Id account, std::string digest) override;
  Task<Result<std::vector<EntryContent>>> read_entries(Id mailbox, std::vector<std::uint32_t> uids,
                                                       std::size_t most) override;
  Task<Result<std::size_t>> expunge(Id mailbox, std::vector<std::uint32_t> uids, std::string who) override;

  void watch_accounts(TakeoverRules rules) override;
  Task<Result<bool>> suspect(Id account, Signal signal, std::string reason) override;
  Task<Result<std::vector<Suspicion>>> list_suspicions(bool with_counts) override;
  Task<Result<>> suspicion_told(Id account) override;
  Task<Result<std::size_t>> note_bounces(LateBounces bounces) override;
  Task<Result<bool>> clear_suspicion(Id account) override;
  std::uint64_t suspicion_generation() override { return memory_.marks; }

  std::uint64_t directory_generation() override { return generation_; }
  Task<Result<Domain>> add_domain(std::string name) override;
  Task<Result<Domain>> add_alias_domain(std::string name, std::string of) override;
  Task<Result<>> remove_domain(std::string name) override;
  Task<Result<std::vector<Domain>>> list_domains() override;
  Task<Result<>> set_domain_owner(std::string name, Id account) override;
  Task<Result<Account>> add_account(Account account) override;
  Task<Result<Account>> find_account(std::string login) override;
  Task<Result<Account>> get_account(Id id) override;
  Task<Result<std::vector<Account>>> list_accounts(std::string domain) override;
  Task<Result<>> update_account(Account account) override;
  Task<Result<std::vector<LimitUse>>> limit_use(Id account, Limits general, std::int64_t now) override;
  Task<Result<>> set_limit(Id account, LimitKind kind, std::optional<std::uint64_t> most) override;
  Task<Result<>> remove_account(std::string login) override;
  Task<Result<>> set_scram(Account account) override;
  Task<Result<std::vector<AppPassword>>> list_app_passwords(Id account) override;
  Task<Result<AppPassword>> add_app_password(AppPassword password) override;
  Task<Result<>> remove_app_password(Id account, Id id) override;
  Task<Result<>> use_app_password(Id id, std::int64_t when, std::string from) override;
  Task<Result<std::vector<DkimKey>>> list_dkim_keys(std::string domain) override;
  Task<Result<>> add_dkim_keys(std::string domain, std::vector<DkimKey> keys) override;
  Task<Result<>> activate_dkim_keys(std::string domain) override;
  Task<Result<>> remove_dkim_key(std::string domain, std::string selector) override;
  Task<Result<AddressLookup>> find_address(std::string local, std::string domain) override;
  Task<Result<>> add_address(AddressEntry entry) override;
  Task<Result<>> set_senders(std::string local, std::string domain, std::vector<std::string> senders) override;
  Task<Result<>> remove_address(std::string local, std::string domain, std::string target) override;
  Task<Result<std::vector<AddressEntry>>> list_addresses(std::string domain) override;
  Task<Result<std::vector<AddressEntry>>> account_addresses(Id account) override;

  Task<Result<>> save_greylist(std::vector<GreyRow> rows) override;
  Task<Result<std::vector<GreyRow>>> load_greylist(std::string after, std::size_t most) override;
  Task<Result<std::uint64_t>> count_dmarc(std::vector<DmarcCount> counts) override;
  Task<Result<std::vector<DmarcDue>>> list_dmarc(std::int64_t day, DmarcDay after, std::size_t most) override;
  Task<Result<std::vector<DmarcRow>>> read_dmarc(DmarcDay of, std::optional<DmarcRow> after, std::size_t most) override;
  Task<Result<>> drop_dmarc(DmarcDay of) override;

  Task<Result<std::string>> get_setting(std::string key) override;
  Task<Result<>> set_setting(std::string key, std::string value) override;
  Task<Result<std::vector<std::pair<std::string, std::string>>>> list_settings(std::string prefix,
                                                                               std::size_t most) override;
  Task<Result<std::int64_t>> last_beat() override;
  Task<Result<>> beat(std::int64_t now) override;
  Task<Result<bool>> maintain(std::int64_t now) override;
  Task<Result<std::vector<std::string>>> verify() override;
  Task<Result<VerifyStep>> verify_step(VerifyPoint from) override;
  Task<Result<BackupStep>> begin_backup(std::string path) override;
  Task<Result<BackupStep>> go_on_with_backup(std::uint64_t ticket) override;
  bool has_room() override;

private:
  Tx tx(Db& db) { return {db, memory_, epoch_, millis(clock_.wall()), memory_.least(clock_.now())}; }

  /// Runs Result<T>(Tx&) in the writer's transaction.
  template <class T, class F>
  Promised<Result<T>> write(F function, std::size_t bytes = 0) {
    return writer_.write<T>(
        [this, function = std::move(function)](Db& db) -> Result<T> {
          Tx own = tx(db);
          return function(own);
        },
        bytes);
  }
  /// Waits for a change of the directory and lets caches notice it: after the commit, so that nobody keeps old rows
  /// under the new number, and before the caller hears of it.
  template <class T>
  Task<Result<T>> noticed(Promised<Result<T>> change) {
    Result<T> result = co_await change.take();
    ++generation_;
    co_return result;
  }

  struct UpkeepStep {
    const char* name; ///< for the log
    std::function<bool(Tx&)> run;
  };
  std::vector<UpkeepStep> upkeep_steps(std::int64_t now);
  Task<Result<bool>> drop_garbage();
  ExpiryRound expiry_round();
  Task<Result<std::size_t>> expire_in(Id mailbox, ExpiryRound& round, std::int64_t before, std::string who);

  /// A backup that is under way. While it is, nothing that paquebot.db has owned is dropped from bulk.db.
  struct OpenBackup {
    std::shared_ptr<ArchiveMaker> maker;
    bool copied = false;
    bool busy = false; ///< one step at a time
    Instant used;
    std::uint64_t ticket = 0;
  };
  static constexpr std::chrono::seconds kGivenUp{60}; ///< since somebody went on with it
  Task<Result<BackupStep>> step_backup(std::shared_ptr<ArchiveMaker> maker, bool copied);
  Task<Result<BackupStep>> copy_slice(std::shared_ptr<ArchiveMaker> maker);
  bool backup_under_way(std::chrono::milliseconds patience);

  const SqliteOptions options_;
  const Clock& clock_;
  const LockFile lock_;
  const Reserve reserve_;
  const Id epoch_;
  WriterMemory memory_;
  std::atomic<std::uint64_t> generation_ = 1;
  std::mutex mailboxes_mutex_;
  std::unordered_set<Id> locked_mailboxes_;
  ExpiryRound expiry_; ///< of expire_entries; under the same mutex
  std::mutex backup_mutex_;
  std::optional<OpenBackup> backup_;
  std::uint64_t last_ticket_ = 0;
  SyncPace pace_;        ///< from writer_ to bulk_
  Readers readers_;      ///< for what mail and sessions wait for
  Readers long_readers_; ///< for what takes long, or goes through a table
  OpenCounts counts_;
  BulkStore bulk_;
  Writer writer_;
};

} // namespace paquebot::store
