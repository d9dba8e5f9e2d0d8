#include "directory/directory.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>

namespace paquebot::directory {

struct CpuPool::Impl {
  struct Job {
    std::move_only_function<void()> work;
    Promised<bool> done;
  };

  std::size_t max_waiting, max_last;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> waiting, last;
  unsigned passed_over = 0; ///< jobs of `waiting` that were taken while `last` had some
  bool stopping = false;
  std::vector<std::thread> threads;

  Impl(std::size_t most, std::size_t most_last) : max_waiting(most), max_last(most_last) {}

  /// The next job, or nothing at the end.
  std::optional<Job> take() {
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return stopping || !waiting.empty() || !last.empty(); });
    if (stopping) return {};
    const bool from_last = waiting.empty() || (!last.empty() && ++passed_over >= kFair);
    if (from_last) passed_over = 0;
    auto& line = from_last ? last : waiting;
    Job job = std::move(line.front());
    line.pop_front();
    return job;
  }

  void work() {
    pthread_setname_np(pthread_self(), "cpu");
    while (auto job = take()) {
      job->work();
      job->work = nullptr; // what it held is gone before the waiter goes on
      job->done.set(true);
    }
  }

  bool add(Job job, Turn turn) {
    {
      const std::lock_guard lock(mutex);
      auto& line = turn == Turn::first ? waiting : last;
      if (stopping || line.size() >= (turn == Turn::first ? max_waiting : max_last)) return false;
      line.push_back(std::move(job));
    }
    wake.notify_one();
    return true;
  }
};

CpuPool::CpuPool(unsigned threads, std::size_t max_waiting, std::size_t max_last)
    : impl_(std::make_unique<Impl>(max_waiting, max_last != 0 ? max_last : kLastPerThread * std::max(threads, 1U))) {
  for (unsigned i = 0; i < threads; ++i) impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
}

CpuPool::~CpuPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (auto& thread : impl_->threads) thread.join();
  for (auto& job : impl_->waiting) job.done.set(false);
  for (auto& job : impl_->last) job.done.set(false);
}

Task<bool> CpuPool::run(std::move_only_function<void()> job, Turn turn) {
  if (impl_->threads.empty()) {
    job();
    co_return true;
  }
  const Promised<bool> done;
  if (!impl_->add({std::move(job), done}, turn)) co_return false;
  co_return co_await done.take();
}

} // namespace paquebot::directory
