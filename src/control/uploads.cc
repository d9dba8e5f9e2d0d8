#include "control/uploads.h"

#include <algorithm>

namespace paquebot::control {

store::Id Uploads::add(std::shared_ptr<store::Staged> body) {
  const store::Id id = body->content().bulk;
  Upload oldest; // let go without the lock
  const std::lock_guard lock(mutex_);
  if (open_.size() >= kMost) {
    oldest = std::move(open_.front());
    open_.pop_front();
  }
  open_.push_back({id, std::move(body), 0, false});
  return id;
}

std::optional<Uploads::Upload> Uploads::take(store::Id id) {
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find(open_, id, &Upload::id);
  if (it == open_.end()) return {};
  Upload upload = std::move(*it);
  open_.erase(it);
  return upload;
}

void Uploads::give(Upload upload) {
  const std::lock_guard lock(mutex_);
  open_.push_back(std::move(upload));
}

} // namespace paquebot::control
