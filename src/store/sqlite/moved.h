#pragma once

#include "base/result.h"
#include "store/sqlite/db.h"

namespace paquebot::store::sqlite {

/// Settings that keep servers away from a store: it was copied elsewhere, and when; a copy into it was begun and is not
/// whole.
inline constexpr const char* kMovedSetting = "store.moved";
inline constexpr const char* kCopyingSetting = "store.copying";

/// conflict for such a store, with what to do about it. Throws DbError.
Result<> check_moved(Db& main);

} // namespace paquebot::store::sqlite
