#include "store/sqlite/core.h"

#include "base/log.h"
#include "store/sqlite/schema.h"

#include <algorithm>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

constexpr unsigned kLongReaders = 2; // one step of a check or a backup at a time, and an operator's question beside it

[[noreturn]] void end_process(const std::string& why) {
  log::error("store-lost", {{"error", why}, {"advice", "check the disk, then start again"}});
  _exit(70); // EX_SOFTWARE: nothing may run on that could acknowledge mail
}

std::string main_path(const SqliteOptions& options) { return options.directory + "/" + kMainSchema.file; }
std::string bulk_path(const SqliteOptions& options) { return options.directory + "/" + kBulkSchema.file; }

/// Pages that a log may have before it is moved into its file: at most 16 MiB, and so that both logs find room for that
/// in half of the reserve of a small disk. A log that did not would be stuck, and with it the room that deletions make.
int log_frames(std::uint64_t reserve) {
  constexpr std::uint64_t kPage = 16384;
  return static_cast<int>(std::clamp<std::uint64_t>(reserve / 4 / kPage, 16, 1024));
}

Writer::Options writer_options(const SqliteOptions& options, const std::string& path) {
  Writer::Options out;
  out.open = [path] { return open_for_writing(path); };
  out.on_fatal = options.on_fatal ? options.on_fatal : end_process;
  out.name = path;
  out.carrier = options.carrier;
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

} // namespace

Core::Core(OpenFiles parts)
    : options(std::move(parts.options)), clock(options.clock != nullptr ? *options.clock : system_clock()),
      lock(std::move(parts.lock)), reserve(options.directory), epoch(parts.epoch), memory(clock, parts.main),
      readers(main_path(options), bulk_path(options), options.readers, "store-reader", options.carrier),
      long_readers(main_path(options), bulk_path(options), kLongReaders, "store-long", options.carrier),
      bulk(std::make_shared<BulkStore>(std::move(parts.bulk), bulk_writer(options, pace), epoch, options.byte_budget,
                                       std::chrono::milliseconds(options.budget_patience_ms))),
      writer(std::move(parts.main), main_writer(options, pace, [this](Db& db) { memory.reload(db); })) {}

Core::~Core() {
  submit([](Tx& tx) { tx.db.run("UPDATE node SET ended = 1 WHERE id = 1"); });
}

} // namespace paquebot::store::sqlite
