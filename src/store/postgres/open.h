#pragma once

#include "store/store.h"

#include <memory>
#include <string>
#include <vector>

namespace paquebot::store {

/// Opens the store in a PostgreSQL database, making its tables when it is empty: ends the last epoch
/// and starts a new one. conflict while another node lives there: so far one works at a time. One that died without
/// ending its epoch is waited for ten seconds.
/// Not reached by open_store() yet.
Result<std::unique_ptr<Store>> open_postgres(const std::string& url, StoreOptions options);

/// Looks at such a database: an error when it can't be reached, or can't be a store; else what makes its promises weak,
/// a sentence each.
Result<std::vector<std::string>> doubt_database(const std::string& url);

} // namespace paquebot::store
