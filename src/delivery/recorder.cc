#include "delivery/recorder.h"

namespace paquebot::delivery {
namespace {

constexpr std::size_t kMostOpen = 100; // messages that a crash could have delivered a second time

} // namespace

Task<void> Recorder::add(std::string destination, std::vector<store::Outcome> outcomes, bool works) {
  if (works && queue_.failing(destination)) {
    co_await queue_.settle(destination, std::move(outcomes), works);
    co_return;
  }
  waiting_.push_back({std::move(destination), std::move(outcomes)});
  ++open_;
}

Task<void> Recorder::room() {
  while (open_ > kMostOpen) co_await recorded_.wait();
}

Task<void> Recorder::flush() {
  if (flushing_) co_return;
  flushing_ = true;
  while (!waiting_.empty()) {
    std::vector<queue::Settled> several;
    several.swap(waiting_);
    const std::size_t count = several.size();
    co_await queue_.settle_several(std::move(several));
    open_ -= count;
    recorded_.notify_all();
  }
  flushing_ = false;
}

} // namespace paquebot::delivery
