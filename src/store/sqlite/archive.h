#pragma once

#include "base/result.h"
#include "store/long_work.h"
#include "store/sqlite/check_place.h"
#include "store/sqlite/db.h"
#include "store/types.h"

#include <optional>
#include <string>
#include <vector>

/// A backup is one file: a copy of paquebot.db, with the large bodies that it owns from bulk.db in two tables more
/// (bulk, chunk), and a table `backup` that says what it is.
namespace paquebot::store::sqlite {

/// "PQBA" in the header: a backup is never taken for a database that is in use.
inline constexpr std::int64_t kArchiveApplication = 0x50514241;
/// Of the tables beside those of paquebot.db.
inline constexpr int kArchiveFormat = 1;

/// Makes a file or, with O_DIRECTORY among the flags of open(2), the names in a folder durable. io, permission,
/// no_space.
Result<> sync_path(const std::string& path, int flags);

/// The pages of a file are damaged: what is read from it may be anything. Other findings are of single messages and
/// rows.
bool pages_damaged(const Finding& finding);

/// Makes a backup in FILE.part, which becomes FILE when it is whole. First the store's writer copies paquebot.db
/// there, then come the steps. The file is the maker's only (0600). Removed when not finished.
class ArchiveMaker {
public:
  /// `invalid` for a path that is not absolute, conflict when there is such a file, permission, io.
  static Result<> prepare(const std::string& path);
  /// `bodies` is about how many octets bulk.db holds.
  ArchiveMaker(std::string path, std::uint64_t bodies) : path_(std::move(path)), bodies_(bodies) {}
  ~ArchiveMaker();
  ArchiveMaker(const ArchiveMaker&) = delete;
  ArchiveMaker& operator=(const ArchiveMaker&) = delete;

  std::string part() const { return path_ + ".part"; }
  /// What was copied of paquebot.db, as a share of the whole work.
  BackupStep share_of_copy(const BackupStep& copied);
  /// After the copy is done: begins, takes large bodies over, reads all again and checks it, gives the file its name.
  /// What is found wrong is told and kept as it is; only damaged pages are refused (io). `now` in milliseconds since
  /// 1970. Throws DbError when reading `bulk` fails.
  Result<BackupStep> step(Db& bulk, std::int64_t now);

private:
  enum class Phase { copied, bodies, checking, done };

  Result<> begin(std::int64_t now);
  Result<> add_bodies(Db& bulk);
  Result<> begin_check();
  Result<> check();
  Result<> publish();
  BackupStep progress() const;

  const std::string path_;
  Phase phase_ = Phase::copied;
  std::optional<Db> db_;
  std::uint64_t main_ = 0; ///< octets of paquebot.db
  std::uint64_t bodies_ = 0;
  std::uint64_t taken_ = 0; ///< octets of bodies
  Id last_bulk_ = 0;
  std::int64_t last_start_ = -1; ///< of its chunks
  CheckPlace at_;
  std::uint64_t checked_ = 0; ///< of 1000
  std::vector<Finding> findings_;
};

} // namespace paquebot::store::sqlite
