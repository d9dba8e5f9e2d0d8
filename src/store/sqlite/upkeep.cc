#include "base/log.h"
#include "base/text.h"
#include "store/sqlite/access.h"
#include "store/sqlite/archive.h"
#include "store/sqlite/core.h"
#include "store/sqlite/describe.h"
#include "store/sqlite/dmarc.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/greylist.h"
#include "store/sqlite/limit_charge.h"
#include "store/sqlite/maintain.h"
#include "store/sqlite/open_counts.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/sendings.h"
#include "store/sqlite/suppression.h"
#include "store/sqlite/verify.h"
#include "store/sqlite/view.h"

#include <algorithm>
#include <functional>
#include <mutex>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kGarbage = 100;                      // bodies marked in one slice
constexpr std::int64_t kStampedAhead = 24LL * 3600 * 1000; // what is later was stamped by a clock that was ahead
constexpr std::int64_t kKeepCorrespondents = 400LL * 24 * 3600 * 1000;
constexpr int kCopyPages = 256;               // 4 MiB between two commits
constexpr std::chrono::seconds kTakenOver{2}; // whoever makes a backup comes back at once
constexpr std::chrono::seconds kGivenUp{60};  // since somebody went on with it

using SettingRows = std::vector<std::pair<std::string, std::string>>;

SettingRows list_settings(Db& db, const std::string& prefix, std::size_t most, const std::string& after) {
  Query q = db.query("SELECT key, value FROM setting WHERE key >= max(?1, ?2) AND key <> ?2 AND "
                     "substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?3",
                     prefix, after, most);
  SettingRows rows;
  while (q.row()) rows.emplace_back(q.text(0), q.text(1));
  return rows;
}

std::string get_setting(Db& db, const std::string& key) {
  Query q = db.query("SELECT value FROM setting WHERE key = ?", key);
  return q.row() ? q.text(0) : std::string();
}

void set_setting(Tx& tx, const std::string& key, const std::string& value) {
  if (value.empty())
    tx.db.run("DELETE FROM setting WHERE key = ?", key);
  else
    tx.db.run("INSERT INTO setting(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value", key,
              value);
}

/// Of one that several nodes share; the time is the database's.
bool take_lease(Tx& tx, const std::string& name, std::int64_t time) {
  tx.db.run("INSERT INTO lease(name, epoch, until) SELECT ?1, ?2, database_ms() + ?3 WHERE NOT EXISTS "
            "(SELECT 1 FROM node WHERE epoch = ?2 AND drained <> 0) ON CONFLICT(name) DO UPDATE SET "
            "epoch = excluded.epoch, until = excluded.until WHERE lease.epoch = excluded.epoch OR lease.until < "
            "database_ms()",
            name, tx.epoch, time);
  return tx.db.changes() == 1;
}

Result<> drain_node(Tx& tx, const std::string& name, bool drained) {
  tx.db.run("UPDATE node SET drained = ? WHERE name = ? AND ended = 0 AND id <> 1", drained, name);
  if (tx.db.changes() == 0)
    return fail(Errc::not_found, "no node of the name " + printable(name) + " works on this store");
  if (drained) tx.db.run("DELETE FROM lease WHERE epoch IN (SELECT epoch FROM node WHERE drained <> 0)");
  return {};
}

std::vector<NodeFacts> list_nodes(Db& db, Id own) {
  Query q = db.query("SELECT epoch, heartbeat, name, version, since, database_ms() - seen, drained FROM node "
                     "WHERE ended = 0 AND id <> 1 ORDER BY epoch");
  std::vector<NodeFacts> nodes;
  while (q.row()) {
    NodeFacts one{.epoch = q.i64(0), .own = q.i64(0) == own, .heartbeat = q.i64(1), .name = q.text(2)};
    one.version = q.text(3);
    one.since = q.i64(4);
    one.silent_ms = std::max<std::int64_t>(q.i64(5), 0);
    one.drained = q.flag(6);
    nodes.push_back(std::move(one));
  }
  return nodes;
}

class SqliteUpkeep final : public Upkeep {
public:
  explicit SqliteUpkeep(Core& core) : core_(core) {}

  Task<Result<std::string>> get_setting(std::string key) override {
    return core_.read([key = std::move(key)](Db& db) { return sqlite::get_setting(db, key); });
  }
  Task<Result<>> set_setting(std::string key, std::string value) override {
    Change change{.kind = Change::Kind::setting, .key = key};
    auto job =
        core_.write([key = std::move(key), value = std::move(value)](Tx& tx) { sqlite::set_setting(tx, key, value); });
    const Result<> done = co_await std::move(job);
    if (done) core_.tell(change);
    co_return done;
  }
  Task<Result<SettingRows>> list_settings(std::string prefix, std::size_t most, std::string after) override {
    return core_.read([prefix = std::move(prefix), most, after = std::move(after)](Db& db) {
      return sqlite::list_settings(db, prefix, most, after);
    });
  }
  /// Where the store is this node's alone, the lock on the directory keeps every other process away.
  Task<Result<bool>> lease(std::string name, std::chrono::seconds time) override {
    if (!core_.shared) co_return true;
    auto job = core_.write(
        [name = std::move(name), time = time.count() * 1000](Tx& tx) { return take_lease(tx, name, time); });
    co_return co_await std::move(job);
  }
  Task<Result<std::vector<NodeFacts>>> list_nodes() override {
    const bool shared = core_.shared.has_value();
    return core_.read([epoch = core_.epoch, shared](Db& db) {
      if (shared) return sqlite::list_nodes(db, epoch);
      return std::vector{
          NodeFacts{.epoch = epoch, .own = true, .heartbeat = db.number("SELECT heartbeat FROM node WHERE id = 1", 0)}};
    });
  }
  Task<Result<StoreFacts>> describe() override {
    const auto job = core_.long_readers.read<StoreFacts>(
        [](ReadDbs& dbs) -> Result<StoreFacts> { return sqlite::describe(dbs.main, dbs.bulk); });
    co_return co_await job.take();
  }
  Task<Result<>> drain_node(std::string name, bool drained) override {
    if (!core_.shared) co_return fail(Errc::unsupported, "one server alone works on this store: stop it");
    auto job = core_.write([name = std::move(name), drained](Tx& tx) { return sqlite::drain_node(tx, name, drained); });
    const Result<> done = co_await std::move(job);
    if (done) core_.tell({.kind = Change::Kind::node});
    co_return done;
  }
  void hand_over() override { core_.tell({.kind = Change::Kind::queue}); }
  Task<Result<std::int64_t>> last_beat() override {
    return core_.read([](Db& db) { return db.number("SELECT heartbeat FROM node WHERE id = 1", 0); });
  }
  Task<Result<>> beat(std::int64_t now) override {
    return core_.write([now, at = core_.clock.now()](Tx& tx) {
      tx.db.run("UPDATE node SET heartbeat = ?1 WHERE id = 1 OR (id = ?2 AND epoch = ?2)", now, tx.epoch);
      tx.memory.heartbeat = now;
      tx.memory.least(at); // counts from here on
    });
  }
  Task<Result<bool>> maintain(std::int64_t now) override;
  Task<Result<std::vector<std::string>>> verify() override;
  Task<Result<VerifyStep>> verify_step(VerifyPoint from) override;
  Task<Result<BackupStep>> begin_backup(std::string path) override;
  Task<Result<BackupStep>> go_on_with_backup(std::uint64_t ticket) override;

private:
  struct UpkeepStep {
    const char* name; ///< for the log
    std::function<bool(Tx&)> run;
  };
  std::vector<UpkeepStep> upkeep_steps(std::int64_t now);
  Task<Result<bool>> drop_garbage();

  /// A backup that is under way. While it is, nothing that paquebot.db has owned is dropped from bulk.db.
  struct OpenBackup {
    std::shared_ptr<ArchiveMaker> maker;
    bool copied = false;
    bool busy = false; ///< one step at a time
    Instant used;
    std::uint64_t ticket = 0;
  };
  Task<Result<BackupStep>> step_backup(std::shared_ptr<ArchiveMaker> maker, bool copied);
  Task<Result<BackupStep>> copy_slice(std::shared_ptr<ArchiveMaker> maker);
  bool backup_under_way(std::chrono::milliseconds patience);

  Core& core_;
  OpenCounts counts_;
  std::mutex backup_mutex_;
  std::optional<OpenBackup> backup_;
  std::uint64_t last_ticket_ = 0;
};

std::vector<SqliteUpkeep::UpkeepStep> SqliteUpkeep::upkeep_steps(std::int64_t now) {
  const std::int64_t before = now - core_.options.keep_trail_ms;
  const std::int64_t forgotten = now - kKeepCorrespondents;
  const std::int64_t given_up = now - kKeepDmarcMs;
  const bool short_of_room = !core_.room_is_left();
  if (short_of_room) core_.writer.cut_log_soon();
  return {
      {"trails", [before, now](Tx& tx) { return drop_old_trails(tx, before, now); }},
      {"mailboxes", [](Tx& tx) { return empty_dropped_mailboxes(tx); }},
      {"destinations", [before](Tx& tx) { return drop_idle_destinations(tx, before); }},
      {"expunged", [before, now](Tx& tx) { return forget_expunged(tx, before, now + kStampedAhead); }},
      {"counters", [forgotten](Tx& tx) { return drop_old_counts(tx, forgotten); }},
      {"greylist", [now](Tx& tx) { return drop_old_greylist(tx, now); }},
      {"access", [now](Tx& tx) { return drop_old_access(tx, now); }},
      {"audit", [now](Tx& tx) { return drop_old_audit(tx, now); }},
      {"dmarc", [given_up](Tx& tx) { return drop_old_dmarc(tx, given_up); }},
      {"feed", [now](Tx& tx) { return drop_old_feed(tx, now); }},
      {"sendings", [now](Tx& tx) { return drop_old_sendings(tx, now); }},
      {"suppressions", [now](Tx& tx) { return drop_old_suppressions(tx, now); }},
      {"room", [short_of_room](Tx& tx) { return shrink(tx.db, short_of_room); }},
  };
}

/// Each step is a transaction of its own: one that fails, today and perhaps for ever, stops no other.
Task<Result<bool>> SqliteUpkeep::maintain(std::int64_t now) {
  counts_.forget_old(core_.clock.now());
  const std::vector<UpkeepStep> steps = upkeep_steps(now);
  bool more = false;
  std::size_t failed = 0;
  std::optional<Error> last;
  for (const UpkeepStep& step : steps) {
    auto job = core_.write([run = step.run](Tx& tx) { return run(tx); });
    const Result<bool> done = co_await std::move(job);
    more = more || (done && *done);
    if (done) continue;
    ++failed;
    last = done.error();
    log::error("upkeep-failed", {{"step", step.name}, {"why", last->message}});
  }
  const Result<bool> garbage = co_await drop_garbage();
  if (!garbage) log::error("upkeep-failed", {{"step", "bodies"}, {"why", garbage.error().message}});
  if (!garbage && failed == steps.size()) co_return std::unexpected(*last);
  co_return more || (garbage && *garbage);
}

/// What paquebot.db gave up is marked in bulk.db before it is forgotten here: a crash between the two only repeats the
/// mark. Meanwhile nobody becomes its owner: an acceptance refuses what is on the list (given_up).
Task<Result<bool>> SqliteUpkeep::drop_garbage() {
  if (backup_under_way(kGivenUp)) co_return false;
  auto list = core_.write([](Tx& tx) { return list_garbage(tx, kGarbage); });
  const Result<std::vector<Id>> bulks = co_await std::move(list);
  if (!bulks) co_return std::unexpected(bulks.error());
  if (!bulks->empty()) {
    const Result<> marked = co_await core_.bulk->mark_dropped(*bulks);
    if (!marked) co_return std::unexpected(marked.error());
    auto job = core_.write([bulks = *bulks](Tx& tx) { forget_garbage(tx.db, bulks); });
    const Result<> done = co_await std::move(job);
    if (!done) co_return std::unexpected(done.error());
  }
  const bool short_of_room = !core_.room_is_left();
  const Result<bool> more = co_await core_.bulk->drop_slice(short_of_room);
  if (!more) co_return more;
  co_return *more || bulks->size() == kGarbage;
}

Task<Result<VerifyStep>> SqliteUpkeep::verify_step(VerifyPoint from) {
  Result<CheckPlace> place = place_of(from);
  if (!place) co_return std::unexpected(place.error());
  counts_.attach(*place);
  const auto job = core_.long_readers.read<CheckStep>(
      [epoch = core_.epoch, place = std::move(*place)](ReadDbs& dbs) -> Result<CheckStep> {
        return check_step(dbs.main, dbs.bulk, epoch, place);
      });
  Result<CheckStep> step = co_await job.take();
  if (!step) co_return std::unexpected(step.error());
  if (step->next) counts_.keep(*step->next, core_.clock.now());
  co_return told(std::move(*step));
}

Task<Result<std::vector<std::string>>> SqliteUpkeep::verify() {
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
bool SqliteUpkeep::backup_under_way(std::chrono::milliseconds patience) {
  const std::lock_guard lock(backup_mutex_);
  if (!backup_) return false;
  if (backup_->busy || core_.clock.now() - backup_->used < patience) return true;
  backup_.reset();
  core_.writer.end_copy(); // nobody waits for it
  return false;
}

Task<Result<BackupStep>> SqliteUpkeep::begin_backup(std::string path) {
  if (!core_.keeps_files())
    co_return fail(Errc::unsupported, "the database keeps this store: back it up by its own means (docs/cluster.md)");
  if (backup_under_way(kTakenOver))
    co_return fail(Errc::conflict, "another backup is being made: wait until it is done");
  auto size = core_.read_long(
      [](Db& db) { return static_cast<std::uint64_t>(db.number("SELECT sum(size) FROM body WHERE bulk <> 0", 0)); });
  const Result<std::uint64_t> bodies = co_await std::move(size);
  if (!bodies) co_return std::unexpected(bodies.error());
  std::shared_ptr<ArchiveMaker> maker;
  std::uint64_t ticket = 0;
  {
    const std::lock_guard lock(backup_mutex_);
    if (backup_) co_return fail(Errc::conflict, "another backup is being made: wait until it is done");
    if (auto prepared = ArchiveMaker::prepare(path); !prepared) co_return std::unexpected(prepared.error());
    maker = std::make_shared<ArchiveMaker>(path, *bodies);
    // Another one than any before, also of a server that ran before this one.
    ticket = last_ticket_ = std::max(last_ticket_ + 1, static_cast<std::uint64_t>(core_.wall()));
    backup_.emplace(OpenBackup{maker, false, true, core_.clock.now(), ticket});
  }
  const auto job = core_.writer.begin_copy(maker->part());
  Result<BackupStep> begun = co_await job.take();
  const std::lock_guard lock(backup_mutex_);
  if (begun) {
    begun->ticket = ticket;
    backup_->busy = false;
    backup_->used = core_.clock.now();
  } else {
    backup_.reset();
  }
  co_return begun;
}

Task<Result<BackupStep>> SqliteUpkeep::go_on_with_backup(std::uint64_t ticket) {
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
  backup_->used = core_.clock.now();
  if (!step || step->finished) backup_.reset();
  if (step) co_return step;
  core_.writer.end_copy(); // nobody waits for it
  log::error("backup-failed", {{"file", maker->part()}, {"why", step.error().message}});
  co_return step;
}

Task<Result<BackupStep>> SqliteUpkeep::step_backup(std::shared_ptr<ArchiveMaker> maker, bool copied) {
  if (!copied) co_return co_await copy_slice(std::move(maker));
  const std::int64_t now = core_.wall();
  const auto job = core_.long_readers.read<BackupStep>(
      [maker, now](ReadDbs& dbs) -> Result<BackupStep> { return maker->step(dbs.bulk, now); });
  co_return co_await job.take();
}

/// A slice of paquebot.db, by the writer's own connection: what it commits meanwhile goes into the copy as well.
Task<Result<BackupStep>> SqliteUpkeep::copy_slice(std::shared_ptr<ArchiveMaker> maker) {
  const auto job = core_.writer.go_on_with_copy(kCopyPages);
  const Result<BackupStep> step = co_await job.take();
  if (!step) co_return step;
  if (step->finished) {
    const auto last = core_.writer.end_copy();
    const Result<> ended = co_await last.take();
    if (!ended) co_return std::unexpected(ended.error());
    const std::lock_guard lock(backup_mutex_);
    backup_->copied = true;
  }
  co_return maker->share_of_copy(*step);
}

} // namespace

std::unique_ptr<Upkeep> make_upkeep(Core& core) { return std::make_unique<SqliteUpkeep>(core); }

} // namespace paquebot::store::sqlite
