#include "base/text.h"
#include "store/sqlite/open.h"

namespace paquebot::store {

Result<std::unique_ptr<Store>> open_store(const std::string& url, StoreOptions options) {
  if (url.starts_with("postgresql:") || url.starts_with("postgres:"))
    return fail(Errc::unsupported,
                "a PostgreSQL database can't be chosen as the store yet: it serves one node in tests only");
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
