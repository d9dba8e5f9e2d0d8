#include "service/scram_switch.h"

#include "base/log.h"

namespace paquebot::service {

Task<bool> ScramSwitch::offered() {
  const auto missing = co_await directory_.without_scram();
  const std::lock_guard lock(mutex_);
  if (missing) note(*missing);
  co_return last_.value_or(false);
}

void ScramSwitch::note(const directory::WithoutScram& missing) {
  const bool all = missing.count == 0;
  const std::string name = missing.logins.empty() ? because_ : missing.logins.front();
  if (last_ != all && !all) log::warning("scram-withheld", {{"account", name}, {"accounts", missing.count}});
  if (last_ == false && all) log::info("scram-offered", {{"account", name}});
  last_ = all;
  because_ = name;
}

} // namespace paquebot::service
