#pragma once

#include "base/result.h"
#include "store/long_work.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace paquebot::store {

struct StoreCopy {
  std::uint64_t rows = 0;          ///< copied, and counted there
  std::vector<Finding> findings{}; ///< what is wrong in the copy
};

/// Copies a store, between a directory and a PostgreSQL database, with its ids, uids and uidvalidities, and checks the
/// copy. conflict while a server works on either, or when `to` holds a store already: but for a copy that was broken
/// off, which is begun anew. invalid when both are of one kind. While it goes on, and unless `keep` afterwards, no
/// server starts on `from`; none starts on `to` before it is whole. Blocks; `progress` is told rows.
Result<StoreCopy> copy_store(const std::string& from, const std::string& to, bool keep,
                             const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

} // namespace paquebot::store
