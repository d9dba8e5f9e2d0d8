#include "store/offline.h"

#include "store/lock_file.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verify.h"

#include <filesystem>

namespace paquebot::store::sqlite {
namespace {

constexpr const char* kRescue =
    "nothing more of it can be checked: keep this directory for rescue, and restore a backup into a new one";

class SqliteInspection final : public Inspection {
public:
  SqliteInspection(LockFile lock, Db main, Db bulk, Id epoch)
      : lock_(std::move(lock)), main_(std::move(main)), bulk_(std::move(bulk)), epoch_(epoch) {}

  VerifyStep step(const VerifyPoint& from) override {
    try {
      const Result<CheckPlace> place = place_of(from);
      if (place) return told(check_step(main_, bulk_, epoch_, *place));
      VerifyStep step;
      step.findings.push_back({place.error().message, "begin from the start"});
      return step;
    } catch (const DbError& error) {
      VerifyStep step;
      step.findings.push_back({"it can't be read: " + error.message, kRescue});
      return step;
    }
  }

private:
  const LockFile lock_;
  Db main_;
  Db bulk_;
  const Id epoch_;
};

} // namespace

Result<std::unique_ptr<Inspection>> inspect_directory(const std::string& directory) {
  const std::string main = directory + "/" + kMainSchema.file;
  const std::string bulk = directory + "/" + kBulkSchema.file;
  for (const std::string& path : {main, bulk}) {
    if (!std::filesystem::exists(path))
      return fail(Errc::not_found, "there is no store in " + directory + ": no " + path);
  }
  auto lock = LockFile::take(directory + "/paquebot.lock");
  if (!lock) return std::unexpected(lock.error());
  try {
    Db main_db = open_for_reading(main);
    Db bulk_db = open_for_reading(bulk);
    if (auto known = check_identity(main_db, kMainSchema, main); !known) return std::unexpected(known.error());
    if (auto known = check_identity(bulk_db, kBulkSchema, bulk); !known) return std::unexpected(known.error());
    view_as_today(main_db, kMainSchema);
    view_as_today(bulk_db, kBulkSchema);
    const Id epoch = main_db.number("SELECT epoch FROM node WHERE id = 1", 0);
    return std::make_unique<SqliteInspection>(std::move(*lock), std::move(main_db), std::move(bulk_db), epoch);
  } catch (const DbError& error) {
    return fail(Errc::io, "the store in " + directory + " can't be read: " + error.message + "; " + kRescue);
  }
}

} // namespace paquebot::store::sqlite

namespace paquebot::store {

Result<std::unique_ptr<Inspection>> inspect_sqlite(const std::string& directory) {
  return sqlite::inspect_directory(directory);
}

} // namespace paquebot::store
