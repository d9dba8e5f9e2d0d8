#include "app/errands.h"

#include <utility>

namespace paquebot::app {

Errands::Errands(std::function<void()> now_and_then, std::chrono::milliseconds pause)
    : now_and_then_(std::move(now_and_then)), pause_(pause), thread_([this] { run(); }) {}

Errands::~Errands() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Errands::post(std::function<void()> errand) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return false;
    waiting_.push_back(std::move(errand));
  }
  wake_.notify_one();
  return true;
}

bool Errands::finish(std::chrono::milliseconds bound) {
  std::unique_lock lock(mutex_);
  ending_ = true;
  wake_.notify_one();
  return idle_.wait_for(lock, bound, [this] { return waiting_.empty() && !at_work_; });
}

void Errands::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool asked = wake_.wait_for(lock, pause_, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty() && ending_) return;
    std::function<void()> errand = now_and_then_;
    if (asked) {
      errand = std::move(waiting_.front());
      waiting_.pop_front();
    }
    at_work_ = true;
    lock.unlock();
    errand();
    lock.lock();
    at_work_ = false;
    idle_.notify_all();
  }
}

} // namespace paquebot::app
