#pragma once

#include "store/store.h"

#include <memory>
#include <string>

namespace paquebot::store {

/// Opens the store in a PostgreSQL database (docs/cluster.md), making its tables when it is empty: ends the last epoch
/// and starts a new one. conflict while another node lives there: so far one works at a time. One that died without
/// ending its epoch is waited for ten seconds. temporary while the database can't be reached.
Result<std::unique_ptr<Store>> open_postgres(const std::string& url, StoreOptions options);

} // namespace paquebot::store
