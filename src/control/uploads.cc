#include "control/uploads.h"

#include <algorithm>

namespace paquebot::control {

std::optional<store::Id> Uploads::add(store::Id staged) {
  const std::lock_guard lock(mutex_);
  std::optional<store::Id> oldest;
  if (open_.size() >= kMost) {
    oldest = open_.front().staged;
    open_.pop_front();
  }
  open_.push_back({staged, 0, false});
  return oldest;
}

std::optional<Uploads::Upload> Uploads::take(store::Id staged) {
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find(open_, staged, &Upload::staged);
  if (it == open_.end()) return {};
  const Upload upload = *it;
  open_.erase(it);
  return upload;
}

void Uploads::give(Upload upload) {
  const std::lock_guard lock(mutex_);
  open_.push_back(upload);
}

} // namespace paquebot::control
