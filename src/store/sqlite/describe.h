#pragma once

#include "store/sqlite/db.h"
#include "store/upkeep.h"

namespace paquebot::store::sqlite {

/// Of the store whose files, or whose database, these are.
StoreFacts describe(Db& main, Db& bulk);

} // namespace paquebot::store::sqlite
