#include "store/sqlite/subscribers.h"

#include <atomic>
#include <map>
#include <mutex>

namespace paquebot::store::sqlite {

struct Subscribers::State {
  std::mutex mutex;
  std::map<std::uint64_t, std::function<void(const Change&)>> told; ///< by rising number
  std::uint64_t last = 0;
  std::atomic<bool> any = false;
};

namespace {

/// Whoever lets it go waits, by the mutex, for a call that is under way.
class Subscribed final : public Subscription {
public:
  explicit Subscribed(std::function<void()> end) : end_(std::move(end)) {}
  ~Subscribed() override { end_(); }

private:
  const std::function<void()> end_;
};

} // namespace

Subscribers::Subscribers() : state_(std::make_shared<State>()) {}
Subscribers::~Subscribers() = default;

std::unique_ptr<Subscription> Subscribers::add(std::function<void(const Change&)> told) {
  const std::lock_guard lock(state_->mutex);
  const std::uint64_t number = ++state_->last;
  state_->told.emplace(number, std::move(told));
  state_->any = true;
  return std::make_unique<Subscribed>([state = state_, number] {
    const std::lock_guard end(state->mutex);
    state->told.erase(number);
    state->any = !state->told.empty();
  });
}

void Subscribers::tell(const Change& change) {
  if (!state_->any) return;
  const std::lock_guard lock(state_->mutex);
  for (const auto& [number, told] : state_->told) told(change);
}

} // namespace paquebot::store::sqlite
