#include "store/sqlite/files.h"

#include "base/log.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/writer.h"

#include <algorithm>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

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

Writer::Options main_writer(const SqliteOptions& options, std::shared_ptr<SyncPace> pace,
                            std::function<void(Db&)> prepare) {
  Writer::Options out = writer_options(options, main_path(options));
  out.prepare = std::move(prepare);
  out.thread = "store";
  out.pace = std::move(pace);
  return out;
}

Writer::Options bulk_writer(const SqliteOptions& options, std::shared_ptr<const SyncPace> pace) {
  Writer::Options out = writer_options(options, bulk_path(options));
  out.thread = "store-bulk";
  out.behind = std::move(pace);
  return out;
}

} // namespace

CoreParts parts_of(OpenFiles& files) {
  const SqliteOptions& options = files.options;
  const auto pace = std::make_shared<SyncPace>(); // from writer to bulk
  return {
      .options = options,
      .carrier = options.carrier,
      .lock = std::move(files.lock),
      .disk = options.directory,
      .epoch = files.epoch,
      .main = files.main,
      .open_readers = [main = main_path(options),
                       bulk = bulk_path(options)] { return ReadDbs{open_for_reading(main), open_for_reading(bulk)}; },
      .main_lane = [&files, pace](std::function<void(Db&)> prepare) -> std::unique_ptr<Lane> {
        return std::make_unique<Writer>(std::move(files.main), main_writer(files.options, pace, std::move(prepare)));
      },
      .bulk_lane = [&files, pace]() -> std::unique_ptr<Lane> {
        return std::make_unique<Writer>(std::move(files.bulk), bulk_writer(files.options, pace));
      },
  };
}

} // namespace paquebot::store::sqlite
