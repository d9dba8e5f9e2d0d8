// The long work on a whole store, in steps: checks and backups.
#include "base/log.h"
#include "store/sqlite_store.h"
#include "store/sqlite_verify.h"

namespace paquebot::store {
namespace {

constexpr int kCopyPages = 256;               // 4 MiB between two commits
constexpr std::chrono::seconds kTakenOver{2}; // whoever makes a backup comes back at once

} // namespace

Task<Result<VerifyStep>> SqliteStore::verify_step(VerifyPoint from) {
  counts_.attach(from);
  const auto job =
      long_readers_.read<VerifyStep>([epoch = epoch_, from = std::move(from)](ReadDbs& dbs) -> Result<VerifyStep> {
        return store::verify_step(dbs.main, dbs.bulk, epoch, from);
      });
  Result<VerifyStep> step = co_await job.take();
  if (step && step->next) counts_.keep(*step->next, clock_.now());
  co_return step;
}

Task<Result<std::vector<std::string>>> SqliteStore::verify() {
  FindingLines lines;
  for (std::optional<VerifyPoint> at = VerifyPoint{}; at;) {
    VerifyPoint from = std::move(*at);
    Result<VerifyStep> step = co_await verify_step(std::move(from));
    if (!step) co_return std::unexpected(step.error());
    lines.add(std::move(step->findings));
    at = std::move(step->next);
  }
  co_return std::move(lines.lines);
}

/// Gives up one that nobody has gone on with for so long.
bool SqliteStore::backup_under_way(std::chrono::milliseconds patience) {
  const std::lock_guard lock(backup_mutex_);
  if (!backup_) return false;
  if (backup_->busy || clock_.now() - backup_->used < patience) return true;
  backup_.reset();
  writer_.end_copy(); // nobody waits for it
  return false;
}

Task<Result<BackupStep>> SqliteStore::begin_backup(std::string path) {
  if (backup_under_way(kTakenOver))
    co_return fail(Errc::conflict, "another backup is being made: wait until it is done");
  const auto size = long_readers_.read<std::uint64_t>([](ReadDbs& dbs) -> Result<std::uint64_t> {
    return static_cast<std::uint64_t>(dbs.main.number("SELECT sum(size) FROM body WHERE bulk <> 0", 0));
  });
  const Result<std::uint64_t> bodies = co_await size.take();
  if (!bodies) co_return std::unexpected(bodies.error());
  std::shared_ptr<ArchiveMaker> maker;
  std::uint64_t ticket = 0;
  {
    const std::lock_guard lock(backup_mutex_);
    if (backup_) co_return fail(Errc::conflict, "another backup is being made: wait until it is done");
    if (auto prepared = ArchiveMaker::prepare(path); !prepared) co_return std::unexpected(prepared.error());
    maker = std::make_shared<ArchiveMaker>(path, *bodies);
    // Another one than any before, also of a server that ran before this one.
    ticket = last_ticket_ = std::max(last_ticket_ + 1, static_cast<std::uint64_t>(millis(clock_.wall())));
    backup_.emplace(OpenBackup{maker, false, true, clock_.now(), ticket});
  }
  const auto job = writer_.begin_copy(maker->part());
  Result<BackupStep> begun = co_await job.take();
  const std::lock_guard lock(backup_mutex_);
  if (begun) {
    begun->ticket = ticket;
    backup_->busy = false;
    backup_->used = clock_.now();
  } else {
    backup_.reset();
  }
  co_return begun;
}

Task<Result<BackupStep>> SqliteStore::go_on_with_backup(std::uint64_t ticket) {
  std::shared_ptr<ArchiveMaker> maker;
  bool copied = false;
  {
    const std::lock_guard lock(backup_mutex_);
    if (!backup_) co_return fail(Errc::not_found, "no backup is being made: it failed, or was given up: begin again");
    if (backup_->ticket != ticket)
      co_return fail(Errc::conflict, "another backup was begun, and this one given up: nobody had gone on with it");
    if (backup_->busy) co_return fail(Errc::conflict, "the backup is gone on with already");
    backup_->busy = true;
    maker = backup_->maker;
    copied = backup_->copied;
  }
  const Result<BackupStep> step = co_await step_backup(maker, copied);
  const std::lock_guard lock(backup_mutex_);
  backup_->busy = false;
  backup_->used = clock_.now();
  if (!step || step->finished) backup_.reset();
  if (step) co_return step;
  writer_.end_copy(); // nobody waits for it
  log::error("backup-failed", {{"file", maker->part()}, {"why", step.error().message}});
  co_return step;
}

Task<Result<BackupStep>> SqliteStore::step_backup(std::shared_ptr<ArchiveMaker> maker, bool copied) {
  if (!copied) co_return co_await copy_slice(std::move(maker));
  const std::int64_t now = millis(clock_.wall());
  const auto job = long_readers_.read<BackupStep>(
      [maker, now](ReadDbs& dbs) -> Result<BackupStep> { return maker->step(dbs.bulk, now); });
  co_return co_await job.take();
}

/// A slice of paquebot.db, by the writer's own connection: what it commits meanwhile goes into the copy as well.
Task<Result<BackupStep>> SqliteStore::copy_slice(std::shared_ptr<ArchiveMaker> maker) {
  const auto job = writer_.go_on_with_copy(kCopyPages);
  const Result<BackupStep> step = co_await job.take();
  if (!step) co_return step;
  if (step->finished) {
    const auto last = writer_.end_copy();
    const Result<> ended = co_await last.take();
    if (!ended) co_return std::unexpected(ended.error());
    const std::lock_guard lock(backup_mutex_);
    backup_->copied = true;
  }
  co_return maker->share_of_copy(*step);
}

} // namespace paquebot::store
