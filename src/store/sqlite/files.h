#pragma once

#include "store/sqlite/core.h"
#include "store/sqlite/open.h"

namespace paquebot::store::sqlite {

/// What open_sqlite has made ready.
struct OpenFiles {
  SqliteOptions options;
  LockFile lock;
  Db main;
  Db bulk;
  Id epoch;
};

/// The parts of a store on these files, which are moved out of it when the core is made.
CoreParts parts_of(OpenFiles& files);

} // namespace paquebot::store::sqlite
