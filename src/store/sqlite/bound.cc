// The store for one order, whose first change keeps the order's entry in the audit log.
#include "store/sqlite/bound.h"

#include "store/sqlite/access.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"
#include "store/wrapped_store.h"

namespace paquebot::store::sqlite {
namespace {

/// A job of the order, and the entry in its transaction: both are kept or neither. What changes nothing has none; what
/// goes well on PostgreSQL is taken to have changed something, since that counts statements
/// (Connection::total_changes).
class OrderJob final : public WriteJob {
public:
  OrderJob(std::unique_ptr<WriteJob> job, std::shared_ptr<PendingEntry> entry, const Clock& clock)
      : job_(std::move(job)), entry_(std::move(entry)), clock_(clock) {
    bytes = job_->bytes;
    durable = job_->durable;
  }
  bool run(Db& db) override {
    id_ = 0;
    changes_ = false;
    const std::int64_t before = db.total_changes();
    if (!job_->run(db)) return false;
    changes_ = db.total_changes() != before;
    if (changes_ && entry_->kept() == 0) id_ = keep_entry(db, entry_->entry(), millis(clock_.wall()));
    return true;
  }
  void settle(const std::optional<Error>& failure) override {
    if (!failure && changes_) entry_->changed(id_);
    job_->settle(failure);
  }
  const OneShot& event() const override { return job_->event(); }

private:
  const std::unique_ptr<WriteJob> job_;
  const std::shared_ptr<PendingEntry> entry_;
  const Clock& clock_;
  Id id_ = 0; ///< of the last run
  bool changes_ = false;
};

class OrderLane final : public Lane {
public:
  OrderLane(Lane& lane, std::shared_ptr<PendingEntry> entry, const Clock& clock)
      : lane_(lane), entry_(std::move(entry)), clock_(clock) {}

  void submit(std::unique_ptr<WriteJob> job) override {
    lane_.submit(std::make_unique<OrderJob>(std::move(job), entry_, clock_));
  }
  Promised<Result<BackupStep>> begin_copy(std::string path) override { return lane_.begin_copy(std::move(path)); }
  Promised<Result<BackupStep>> go_on_with_copy(int pages) override { return lane_.go_on_with_copy(pages); }
  Promised<Result<>> end_copy() override { return lane_.end_copy(); }
  bool has_room() override { return lane_.has_room(); }
  void cut_log_soon() override { lane_.cut_log_soon(); }

private:
  Lane& lane_;
  const std::shared_ptr<PendingEntry> entry_;
  const Clock& clock_;
};

/// Checks and backups under way stay with the whole store.
class BoundUpkeep final : public WrappedUpkeep {
public:
  BoundUpkeep(Store& whole, Core& core) : WrappedUpkeep(whole), own_(make_upkeep(core)) {}
  Task<Result<>> set_setting(std::string key, std::string value) override {
    return own_->set_setting(std::move(key), std::move(value));
  }

private:
  const std::unique_ptr<Upkeep> own_;
};

class BoundStore final : public Store {
public:
  BoundStore(Core& core, Store& whole, std::shared_ptr<PendingEntry> entry)
      : whole_(whole), lane_(core.writer, entry, core.clock), core_(core, lane_), upkeep_(whole, core_) {}

  Acceptance& acceptance() override { return whole_.acceptance(); }
  ContentStore& content() override { return whole_.content(); }
  Trail& trail() override { return whole_.trail(); }
  Mailboxes& mailboxes() override { return whole_.mailboxes(); }
  AuditLog& audit() override { return whole_.audit(); }
  QueueStore& queue() override { return *queue_; }
  DirectoryStore& directory() override { return *directory_; }
  Credentials& credentials() override { return *credentials_; }
  Rights& rights() override { return *rights_; }
  Access& access() override { return *access_; }
  SigningKeys& keys() override { return *keys_; }
  Certificates& certificates() override { return *certificates_; }
  Books& books() override { return *books_; }
  Upkeep& upkeep() override { return upkeep_; }
  Feed& feed() override { return *feed_; }
  std::unique_ptr<Store> bound(std::shared_ptr<PendingEntry> entry) override { return whole_.bound(std::move(entry)); }
  std::unique_ptr<Subscription> subscribe(std::function<void(const Change&)> told) override {
    return whole_.subscribe(std::move(told));
  }

private:
  Store& whole_;
  OrderLane lane_;
  Core core_;
  const std::unique_ptr<QueueStore> queue_ = make_queue(core_);
  const std::unique_ptr<DirectoryStore> directory_ = make_directory(core_);
  const std::unique_ptr<Credentials> credentials_ = make_credentials(core_);
  const std::unique_ptr<Rights> rights_ = make_rights(core_);
  const std::unique_ptr<Access> access_ = make_access(core_);
  const std::unique_ptr<SigningKeys> keys_ = make_keys(core_);
  const std::unique_ptr<Certificates> certificates_ = make_certificates(core_);
  const std::unique_ptr<Books> books_ = make_books(core_);
  const std::unique_ptr<Feed> feed_ = make_feed(core_);
  BoundUpkeep upkeep_;
};

} // namespace

std::unique_ptr<Store> bind_store(Core& core, Store& whole, std::shared_ptr<PendingEntry> entry) {
  return std::make_unique<BoundStore>(core, whole, std::move(entry));
}

} // namespace paquebot::store::sqlite
