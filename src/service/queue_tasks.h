#pragma once

#include "base/task.h"
#include "store/queue_store.h"
#include "store/upkeep.h"

#include <string>
#include <vector>

/// What the server does with the whole queue, beside delivering it. `store` must outlive them.
namespace paquebot::service {

/// What waits for a route that was changed is tried at once: its failures were the old one's. The queue must be loaded
/// again afterwards.
Task<void> retry_routes(store::QueueStore& store, std::vector<std::string> destinations);

/// A restored store has its queue held: says so at every start until the operator has let it go.
Task<void> tell_of_restore(store::Upkeep& store);

} // namespace paquebot::service
