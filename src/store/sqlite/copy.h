#pragma once

#include "base/result.h"
#include "store/long_work.h"
#include "store/sqlite/db.h"

#include <string>

namespace paquebot::store::sqlite {

/// Copies a database page by page while its own connection goes on writing: what changes meanwhile is written to the
/// copy as well, so that the copy is of the moment of the last step. Used by the thread of the source's connection,
/// between transactions, and ended before that connection is closed.
class FileCopy {
public:
  /// `path` is an empty file or none; the copy is not synced. Throws DbError.
  FileCopy(Db& source, const std::string& path);
  ~FileCopy();
  FileCopy(const FileCopy&) = delete;
  FileCopy& operator=(const FileCopy&) = delete;

  /// At most so many pages more; done and total are octets. Nothing is copied in a step while somebody locks the
  /// source.
  Result<BackupStep> step(int pages);

private:
  Db target_;
  sqlite3_backup* backup_;
  std::uint64_t page_size_;
};

} // namespace paquebot::store::sqlite
