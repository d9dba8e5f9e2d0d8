#pragma once

#include "store/store.h"

#include <memory>

namespace paquebot::store::sqlite {

class Core;

/// Store::bound of `whole`, which stands on `core`.
std::unique_ptr<Store> bind_store(Core& core, Store& whole, std::shared_ptr<PendingEntry> entry);

} // namespace paquebot::store::sqlite
