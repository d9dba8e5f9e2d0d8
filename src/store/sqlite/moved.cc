#include "store/sqlite/moved.h"

#include "base/text.h"

#include <string>

namespace paquebot::store::sqlite {
namespace {

std::string value_of(Db& main, std::string_view key) {
  Query q = main.query("SELECT value FROM setting WHERE key = ?", key);
  return q.row() ? printable(q.view(0), 64) : std::string();
}

} // namespace

Result<> check_moved(Db& main) {
  if (const std::string moved = value_of(main, kMovedSetting); !moved.empty())
    return fail(Errc::conflict, "this store was moved by `paquebot store copy` (" + moved +
                                    "): let server.store or server.data_dir name the copy. Mail that comes here now "
                                    "would be missing there; to begin anew here all the same, see docs/cluster.md");
  if (!value_of(main, kCopyingSetting).empty())
    return fail(Errc::conflict, "a copy into this store was broken off: make it again with `paquebot store copy`");
  return {};
}

} // namespace paquebot::store::sqlite
