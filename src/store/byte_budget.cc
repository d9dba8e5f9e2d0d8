#include "store/byte_budget.h"

#include <algorithm>
#include <pthread.h>
#include <vector>

namespace paquebot::store {

using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kShareStep = 64u << 10;

} // namespace

ByteBudget::ByteBudget(std::uint64_t bytes, std::chrono::milliseconds patience)
    : total_(bytes), patience_(patience), watcher_([this] { watch(); }) {}

ByteBudget::~ByteBudget() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
}

Task<std::shared_ptr<ByteBudget::Permit>> ByteBudget::take(std::uint64_t bytes) {
  const std::uint64_t wanted = std::min(bytes, total_);
  Promised<bool> granted;
  bool at_once = false;
  {
    const std::lock_guard lock(mutex_);
    at_once = line_.empty() && used_ + wanted <= total_;
    if (at_once) {
      used_ += wanted;
    } else {
      line_.push_back({wanted, SteadyClock::now() + patience_, granted});
    }
  }
  if (!at_once) {
    changed_.notify_one();
    const bool got = co_await granted.take();
    if (!got) co_return nullptr;
  }
  co_return std::make_shared<Permit>(*this, wanted);
}

void ByteBudget::give_back(std::uint64_t bytes) {
  std::vector<Promised<bool>> served;
  {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
    while (!line_.empty() && used_ + line_.front().bytes <= total_) {
      used_ += line_.front().bytes;
      served.push_back(std::move(line_.front().granted));
      line_.pop_front();
    }
  }
  for (const Promised<bool>& granted : served) granted.set(true);
}

void ByteBudget::watch() {
  pthread_setname_np(pthread_self(), "store-budget");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (line_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto until = line_.front().until;
    if (SteadyClock::now() < until) {
      changed_.wait_until(lock, until);
      continue;
    }
    const Promised<bool> late = std::move(line_.front().granted);
    line_.pop_front();
    lock.unlock();
    late.set(false);
    lock.lock();
  }
  for (const Waiter& waiter : line_) waiter.granted.set(false);
}

Task<bool> BudgetShare::grow(std::uint64_t bytes) {
  while (!covers(bytes)) {
    auto permit = co_await budget_->take(kShareStep);
    if (!permit) co_return false;
    permits_.push_back(std::move(permit));
    held_ += kShareStep;
  }
  co_return true;
}

} // namespace paquebot::store
