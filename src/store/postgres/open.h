#pragma once

#include "store/store.h"

#include <memory>
#include <string>

namespace paquebot::store {

/// Opens the store in a PostgreSQL database (docs/cluster.md), making its tables when it is empty, as one more node: an
/// epoch begins. conflict when a process lives that has the same directory. temporary while the database can't be
/// reached.
Result<std::unique_ptr<Store>> open_postgres(const std::string& url, StoreOptions options);

} // namespace paquebot::store
