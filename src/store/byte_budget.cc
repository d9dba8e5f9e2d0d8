#include "store/byte_budget.h"

#include <algorithm>
#include <cassert>
#include <pthread.h>
#include <vector>

namespace paquebot::store {

using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kShareStep = 64u << 10;

} // namespace

ByteBudget::ByteBudget(std::uint64_t bytes, std::chrono::milliseconds patience) : total_(bytes), patience_(patience) {}

ByteBudget::~ByteBudget() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
}

/// Whether the group may have so much more, if it is there.
bool ByteBudget::allowed(const Group& group, std::uint64_t bytes, std::uint64_t least) const {
  if (group.name.empty()) return true;
  const std::uint64_t quarter = (total_ - (used_ - group.held)) / 4;
  return group.held + bytes <= std::max(quarter, std::min(least, total_ / 2));
}

void ByteBudget::grant(Group& group, std::uint64_t bytes) {
  used_ += bytes;
  group.held += bytes;
  assert(used_ <= total_ && group.held <= used_);
}

/// Of those who are first of their groups, and whose groups may have more. Whether the whole has so much is not looked
/// at: who wants a lot is not overtaken for ever.
ByteBudget::Line::iterator ByteBudget::next_in_line() {
  ++looks_;
  auto best = line_.end();
  for (auto waiter = line_.begin(); waiter != line_.end(); ++waiter) {
    Group& group = *waiter->group;
    if (std::exchange(group.looked, looks_) == looks_) continue;
    const bool better = best == line_.end() || group.held < best->group->held;
    if (better && allowed(group, waiter->bytes, waiter->least)) best = waiter;
  }
  return best;
}

/// Under the lock: who gets what is free. They are told without it.
ByteBudget::Served ByteBudget::serve() {
  Served served;
  while (!line_.empty() && used_ < total_) {
    const auto next = next_in_line();
    if (next == line_.end() || used_ + next->bytes > total_) break;
    grant(*next->group, next->bytes);
    served.push_back(std::move(next->granted));
    line_.erase(next);
  }
  return served;
}

/// Under the lock.
void ByteBudget::leave(Group& group) {
  assert(group.uses > 0);
  if (--group.uses > 0) return;
  const std::string name = std::move(group.name);
  groups_.erase(name);
}

Task<std::shared_ptr<ByteBudget::Permit>> ByteBudget::take(std::uint64_t bytes, Whose whose) {
  const std::uint64_t wanted = std::min(bytes, total_);
  Promised<bool> granted;
  Group* group = nullptr;
  bool at_once = false;
  Served served;
  {
    const std::lock_guard lock(mutex_);
    group = &groups_.try_emplace(whose.group).first->second;
    group->name = std::move(whose.group);
    ++group->uses;
    at_once = line_.empty() && used_ + wanted <= total_ && allowed(*group, wanted, whose.least);
    if (at_once) {
      grant(*group, wanted);
    } else {
      line_.push_back({wanted, whose.least, SteadyClock::now() + patience_, group, granted});
      served = serve();
      if (!watcher_.joinable()) watcher_ = std::jthread([this] { watch(); });
    }
  }
  if (!at_once) {
    changed_.notify_one();
    for (const Promised<bool>& one : served) one.set(true);
    const bool got = co_await granted.take();
    if (!got) {
      const std::lock_guard lock(mutex_);
      leave(*group);
      co_return nullptr;
    }
  }
  co_return std::make_shared<Permit>(*this, *group, wanted);
}

void ByteBudget::give_back(Group& group, std::uint64_t bytes) {
  Served served;
  {
    const std::lock_guard lock(mutex_);
    assert(bytes <= group.held && group.held <= used_ && "each octet comes back once");
    used_ -= bytes;
    group.held -= bytes;
    leave(group);
    if (bytes > 0) served = serve();
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
    ByteBudget::Whose whose = whose_;
    auto permit = co_await budget_->take(kShareStep, std::move(whose));
    if (!permit) co_return false;
    if (permit_)
      permit_->join(*permit);
    else
      permit_ = std::move(permit);
    held_ += kShareStep;
  }
  co_return true;
}

} // namespace paquebot::store
