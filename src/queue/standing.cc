#include "queue/standing.h"

#include "base/text.h"

namespace paquebot::queue {

void Standing::answered(const std::string& key) {
  {
    const std::lock_guard lock(core_.mutex);
    if (!core_.destinations.known().add(key)) return;
    Destination* const place = core_.destinations.find(key);
    if (place == nullptr) return;
    core_.destinations.heat(key, *place);
  }
  core_.runnable();
}

void Standing::kept_silent(const std::string& key) {
  const std::lock_guard lock(core_.mutex);
  core_.destinations.known().remove(key);
}

bool Standing::knows(const std::string& domain) const {
  const std::lock_guard lock(core_.mutex);
  return core_.destinations.is_known(core_.options->routes.destination(to_lower(domain)));
}

bool Standing::resting(const std::string& key) const {
  const std::lock_guard lock(core_.mutex);
  const Destination* const place = core_.destinations.find(key);
  return place != nullptr && place->back_off.rests(core_.now());
}

bool Standing::failing(const std::string& key) const {
  const std::lock_guard lock(core_.mutex);
  return core_.destinations.failing(key);
}

std::uint32_t Standing::failures(const std::string& key) const {
  const std::lock_guard lock(core_.mutex);
  const Destination* const place = core_.destinations.find(key);
  return place == nullptr ? 0 : place->back_off.failures();
}

std::int64_t Standing::back_off_until(const std::string& key) const {
  const auto random = static_cast<std::uint32_t>(core_.clock.now().time_since_epoch().count());
  const std::lock_guard lock(core_.mutex);
  const Destination* const place = core_.destinations.find(key);
  const BackOff none;
  return (place == nullptr ? none : place->back_off).next(core_.options->schedule, core_.now(), random);
}

} // namespace paquebot::queue
