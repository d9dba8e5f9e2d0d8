#include "base/text.h"
#include "store/postgres/open.h"
#include "store/postgres/target.h"
#include "store/sqlite/open.h"

namespace paquebot::store {

bool is_database(const std::string& url) { return url.starts_with("postgresql://") || url.starts_with("postgres://"); }

Result<std::vector<std::string>> check_database(const std::string& url) {
  auto target = postgres::target_of(url);
  if (!target) return std::unexpected(target.error());
  return postgres::files_of(*target);
}

Result<std::unique_ptr<Store>> open_store(const std::string& url, StoreOptions options) {
  if (is_database(url)) return open_postgres(url, std::move(options));
  SqliteOptions sqlite;
  static_cast<StoreOptions&>(sqlite) = std::move(options);
  sqlite.directory = url;
  const std::size_t colon = url.find(':');
  // A path may hold a colon, behind its first slash.
  if (colon != std::string::npos && url.find('/') > colon) {
    if (url.substr(0, colon) != "sqlite")
      return fail(Errc::unsupported, "there is no store of the kind \"" + printable(url.substr(0, colon), 64) +
                                         "\": name a directory, or sqlite:DIRECTORY");
    sqlite.directory = url.substr(colon + 1);
  }
  return open_sqlite(std::move(sqlite));
}

} // namespace paquebot::store
