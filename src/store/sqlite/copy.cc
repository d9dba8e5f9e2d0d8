#include "store/sqlite/copy.h"

namespace paquebot::store::sqlite {

FileCopy::FileCopy(Db& source, const std::string& path)
    : target_(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX),
      backup_(sqlite3_backup_init(target_.raw(), "main", source.raw(), "main")),
      page_size_(static_cast<std::uint64_t>(source.number("PRAGMA page_size", 0))) {
  if (backup_ == nullptr) target_.raise(sqlite3_errcode(target_.raw()), "backup");
  // The whole file is synced once, when it is complete.
  target_.exec("PRAGMA synchronous = OFF");
}

FileCopy::~FileCopy() { sqlite3_backup_finish(backup_); }

Result<BackupStep> FileCopy::step(int pages) {
  const int code = sqlite3_backup_step(backup_, pages);
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_BUSY && code != SQLITE_LOCKED) {
    const bool full = (code & 0xFF) == SQLITE_FULL;
    return fail(full ? Errc::no_space : Errc::io, std::string("the copy failed: ") + sqlite3_errstr(code));
  }
  const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup_)) * page_size_;
  const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(backup_)) * page_size_;
  return BackupStep{total - left, total, code == SQLITE_DONE};
}

} // namespace paquebot::store::sqlite
