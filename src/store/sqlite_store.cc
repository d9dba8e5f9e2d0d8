#include "store/sqlite_store.h"

#include "base/log.h"
#include "store/sqlite_accept.h"
#include "store/sqlite_content.h"
#include "store/sqlite_forwarded.h"
#include "store/sqlite_maintain.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_trail.h"

#include <algorithm>
#include <unistd.h>

namespace paquebot::store {
namespace {

const std::string kNoRoom =
    "the disk is nearly full, what is left is kept for deleting and delivering: free some disk space";

constexpr std::size_t kMostRead = 1u << 20; // octets of a body in one call
constexpr unsigned kLongReaders = 2; // one step of a check or a backup at a time, and an operator's question beside it
constexpr std::size_t kOperateSlice = 200; // messages changed in one transaction

[[noreturn]] void end_process(const std::string& why) {
  log::error("store_lost", {{"error", why}, {"advice", "check the disk, then start again"}});
  _exit(70); // EX_SOFTWARE: nothing may run on that could acknowledge mail
}

std::string main_path(const SqliteOptions& options) { return options.directory + "/" + kMainSchema.file; }
std::string bulk_path(const SqliteOptions& options) { return options.directory + "/" + kBulkSchema.file; }

/// Pages that a log may have before it is moved into its file: at most 16 MiB, and so that both logs find room for that in
/// half of the reserve of a small disk. A log that did not would be stuck, and with it the room that deletions make.
int log_frames(std::uint64_t reserve) {
  constexpr std::uint64_t kPage = 16384;
  return static_cast<int>(std::clamp<std::uint64_t>(reserve / 4 / kPage, 16, 1024));
}

Writer::Options writer_options(const SqliteOptions& options, const std::string& path) {
  Writer::Options out;
  out.open = [path] { return open_for_writing(path); };
  out.on_fatal = options.on_fatal ? options.on_fatal : end_process;
  out.name = path;
  out.log_frames = log_frames(Reserve::of(options.directory));
  return out;
}

Writer::Options main_writer(const SqliteOptions& options, SyncPace& pace, std::function<void(Db&)> prepare) {
  Writer::Options out = writer_options(options, main_path(options));
  out.prepare = std::move(prepare);
  out.thread = "store";
  out.pace = &pace;
  return out;
}

Writer::Options bulk_writer(const SqliteOptions& options, const SyncPace& pace) {
  Writer::Options out = writer_options(options, bulk_path(options));
  out.thread = "store-bulk";
  out.behind = &pace;
  return out;
}

AcceptResult refusal(const Error& error) {
  return {error.code == Errc::no_space ? AcceptStatus::no_space : AcceptStatus::failed, {}, error.message, {}, {}};
}

} // namespace

SqliteStore::SqliteStore(SqliteParts parts)
    : options_(std::move(parts.options)), clock_(options_.clock != nullptr ? *options_.clock : system_clock()),
      lock_(std::move(parts.lock)), reserve_(options_.directory), epoch_(parts.epoch), memory_(clock_, parts.main),
      readers_(main_path(options_), bulk_path(options_), options_.readers, "store-reader"),
      long_readers_(main_path(options_), bulk_path(options_), kLongReaders, "store-long"),
      bulk_(std::move(parts.bulk), bulk_writer(options_, pace_), epoch_, options_.byte_budget,
            std::chrono::milliseconds(options_.budget_patience_ms)),
      writer_(std::move(parts.main), main_writer(options_, pace_, [this](Db& db) { memory_.reload(db); })) {}

SqliteStore::~SqliteStore() {
  write<void>([](Tx& tx) -> Result<> {
    tx.db.run("UPDATE node SET ended = 1 WHERE id = 1");
    return {};
  });
}

// ---- Acceptance ----

Task<Result<Id>> SqliteStore::stage_begin() { co_return co_await bulk_.begin(); }

Task<Result<>> SqliteStore::stage_append(Id staged, std::string chunk) {
  if (!reserve_.spared()) co_return fail(Errc::no_space, kNoRoom);
  co_return co_await bulk_.append(staged, std::move(chunk));
}

Task<Result<>> SqliteStore::stage_finish(Id staged) { co_return co_await bulk_.finish(staged); }
void SqliteStore::stage_abandon(Id staged) { bulk_.abandon(staged); }

Task<AcceptResult> SqliteStore::accept(std::shared_ptr<const AcceptRequest> request) {
  const Id staged = request->body.staged;
  if (!reserve_.spared()) co_return AcceptResult{AcceptStatus::no_space, {}, kNoRoom, {}, {}};
  if (staged != 0 && !bulk_.lend(staged, request->body.size)) {
    co_return AcceptResult{
        AcceptStatus::failed, {}, "the staged body " + std::to_string(staged) + " is not complete", {}, {}};
  }
  const std::size_t bytes = request->head.size() + request->body.bytes.size() + 1024;
  const auto job =
      write<AcceptResult>([request](Tx& tx) -> Result<AcceptResult> { return accept_message(tx, *request); }, bytes);
  Result<AcceptResult> done = co_await job.take();
  if (staged != 0) {
    // After a failed commit nobody knows whether it is owned: then only the next start may look and drop it.
    const bool in_doubt = !done && done.error().code != Errc::no_space;
    const bool owned = done && done->status == AcceptStatus::accepted;
    bulk_.lent(staged, !owned && !in_doubt);
  }
  if (!done) co_return refusal(done.error());
  co_return std::move(*done);
}

// ---- Content ----

Task<Result<std::string>> SqliteStore::read_head(Id head) {
  const auto job = readers_.read<std::string>([head](ReadDbs& dbs) { return load_head(dbs.main, head); });
  co_return co_await job.take();
}

Task<Result<std::string>> SqliteStore::read_body(BodyRef body, std::uint64_t offset, std::size_t most) {
  if (offset >= body.size) co_return std::string();
  const std::size_t bound = std::min(most, kMostRead);
  const auto job = readers_.read<std::string>([body, offset, bound](ReadDbs& dbs) {
    return body.bulk != 0 ? load_bulk_body(dbs.bulk, body.bulk, offset, bound)
                          : load_inline_body(dbs.main, body.id, offset, bound);
  });
  co_return co_await job.take();
}

// ---- Queue ----

Task<Result<std::vector<DestinationFacts>>> SqliteStore::list_destinations(bool with_counts) {
  using List = std::vector<DestinationFacts>;
  Readers& readers = with_counts ? long_readers_ : readers_; // counting goes through all that waits
  const auto job = readers.read<List>(
      [with_counts](ReadDbs& dbs) -> Result<List> { return store::list_destinations(dbs.main, with_counts); });
  co_return co_await job.take();
}

Task<Result<std::vector<WorkItem>>> SqliteStore::claim(std::string destination, std::int64_t now, std::size_t most) {
  using List = std::vector<WorkItem>;
  const auto job = write<List>([destination = std::move(destination), now, most](Tx& tx) -> Result<List> {
    return store::claim(tx, destination, now, most, false);
  });
  co_return co_await job.take();
}

Task<Result<std::vector<WorkItem>>> SqliteStore::claim_expired(std::string destination, std::int64_t now,
                                                               std::size_t most) {
  using List = std::vector<WorkItem>;
  const auto job = write<List>([destination = std::move(destination), now, most](Tx& tx) -> Result<List> {
    return store::claim(tx, destination, now, most, true);
  });
  co_return co_await job.take();
}

Task<Result<std::int64_t>> SqliteStore::earliest_deadline() {
  const auto job = readers_.read<std::int64_t>(
      [](ReadDbs& dbs) -> Result<std::int64_t> { return store::earliest_deadline(dbs.main); });
  co_return co_await job.take();
}

Task<Result<std::vector<WorkItem>>> SqliteStore::claim_overdue(std::int64_t now, std::size_t most) {
  using List = std::vector<WorkItem>;
  const auto job = write<List>([now, most](Tx& tx) -> Result<List> { return store::claim_overdue(tx, now, most); });
  co_return co_await job.take();
}

Task<Result<std::int64_t>> SqliteStore::earliest_due(std::string destination) {
  const auto job =
      readers_.read<std::int64_t>([destination = std::move(destination)](ReadDbs& dbs) -> Result<std::int64_t> {
        return store::earliest_due(dbs.main, destination);
      });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::record(std::vector<Outcome> outcomes, std::optional<DestinationUpdate> destination) {
  const auto job =
      write<void>([outcomes = std::move(outcomes), destination = std::move(destination)](Tx& tx) -> Result<> {
        store::record(tx, outcomes, destination);
        return {};
      });
  co_return co_await job.take();
}

Task<Result<OwedPage>> SqliteStore::owed_reports(std::optional<Ulid> after, std::size_t most) {
  const std::int64_t now = millis(clock_.wall());
  const auto job = readers_.read<OwedPage>(
      [after, most, now](ReadDbs& dbs) -> Result<OwedPage> { return store::owed_reports(dbs.main, after, most, now); });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::waive_reports(Ulid message, std::vector<std::uint32_t> recipients) {
  const auto job = write<void>([message, recipients = std::move(recipients)](Tx& tx) -> Result<> {
    store::waive_reports(tx, message, recipients);
    return {};
  });
  co_return co_await job.take();
}

Task<Result<std::vector<WorkItem>>> SqliteStore::list_queue(QueueFilter filter, std::optional<Ulid> after,
                                                            std::size_t most) {
  std::vector<WorkItem> out;
  for (std::optional<Ulid> at = after; out.size() < most;) {
    const std::size_t room = most - out.size();
    const auto job = long_readers_.read<QueuePage>([filter, at, room](ReadDbs& dbs) -> Result<QueuePage> {
      return store::list_queue(dbs.main, filter, at, room);
    });
    Result<QueuePage> page = co_await job.take();
    if (!page) co_return std::unexpected(page.error());
    std::ranges::move(page->items, std::back_inserter(out));
    at = page->next;
    if (!at) break;
  }
  co_return out;
}

Task<Result<std::size_t>> SqliteStore::operate(QueueAction action, QueueFilter filter, std::string who,
                                               std::int64_t now) {
  std::size_t changed = 0;
  std::optional<Ulid> at;
  do {
    const auto read = long_readers_.read<QueuePage>([filter, at](ReadDbs& dbs) -> Result<QueuePage> {
      return store::list_queue(dbs.main, filter, at, kOperateSlice);
    });
    Result<QueuePage> page = co_await read.take();
    if (!page) co_return std::unexpected(page.error());
    at = page->next;
    if (page->items.empty()) continue;
    const auto job =
        write<std::size_t>([action, filter, items = std::move(page->items), who, now](Tx& tx) -> Result<std::size_t> {
          return store::operate(tx, action, filter, items, who, now);
        });
    const Result<std::size_t> done = co_await job.take();
    if (!done) co_return std::unexpected(done.error());
    changed += *done;
  } while (at);
  co_return changed;
}

// ---- Trail ----

Task<Result<Trace>> SqliteStore::trace(Ulid message) {
  const auto job = readers_.read<Trace>([message](ReadDbs& dbs) { return store::trace(dbs.main, message); });
  co_return co_await job.take();
}

Task<Result<std::vector<Ulid>>> SqliteStore::find_messages(std::string address, std::int64_t since, std::size_t most) {
  std::vector<Ulid> found;
  std::optional<Ulid> below;
  do {
    const auto job = long_readers_.read<TrailPage>([address, since, below](ReadDbs& dbs) -> Result<TrailPage> {
      return store::find_messages(dbs.main, address, since, below);
    });
    Result<TrailPage> page = co_await job.take();
    if (!page) co_return std::unexpected(page.error());
    std::ranges::copy(page->found, std::back_inserter(found));
    below = page->next;
  } while (below && found.size() < most);
  if (found.size() > most) found.resize(most);
  co_return found;
}

Task<Result<std::vector<Forwarded>>> SqliteStore::forwarded_at(std::int64_t time, std::size_t most) {
  using List = std::vector<Forwarded>;
  const auto job = readers_.read<List>(
      [time, most](ReadDbs& dbs) -> Result<List> { return store::forwarded_at(dbs.main, time, most); });
  co_return co_await job.take();
}

Task<Result<bool>> SqliteStore::note_return(Ulid message, Ulid report, std::uint64_t most) {
  const auto job = write<bool>(
      [message, report, most](Tx& tx) -> Result<bool> { return store::note_return(tx, message, report, most); });
  co_return co_await job.take();
}

} // namespace paquebot::store
