#include "service/queue_tasks.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/offline.h"

namespace paquebot::service {

Task<void> retry_routes(store::QueueStore& store, std::vector<std::string> destinations) {
  for (const std::string& destination : destinations) {
    store::QueueFilter filter;
    filter.destination = destination;
    const std::string who = "the server, whose route was changed";
    const std::int64_t now = millis(system_clock().wall());
    const auto changed = co_await store.operate(store::QueueAction::retry, filter, who, now);
    if (!changed) log::error("retry-failed", {{"destination", destination}, {"why", changed.error().message}});
  }
}

Task<void> tell_of_restore(store::Upkeep& store) {
  const std::string key = store::kRestoredSetting;
  const auto told = co_await store.get_setting(key);
  if (!told || told->empty()) co_return;
  log::warning("queue-held",
               {{"why", "the store was restored from a backup, and what waited then may have been delivered since"},
                {"advice", "paquebot queue list --held; then paquebot queue release --all, or paquebot queue cancel"}});
}

} // namespace paquebot::service
