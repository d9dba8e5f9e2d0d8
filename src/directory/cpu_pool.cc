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

  std::size_t max_waiting;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> waiting;
  bool stopping = false;
  std::vector<std::thread> threads;

  explicit Impl(std::size_t most) : max_waiting(most) {}

  /// The next job, or nothing at the end.
  std::optional<Job> take() {
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return stopping || !waiting.empty(); });
    if (stopping) return {};
    Job job = std::move(waiting.front());
    waiting.pop_front();
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

  bool add(Job job) {
    {
      const std::lock_guard lock(mutex);
      if (stopping || waiting.size() >= max_waiting) return false;
      waiting.push_back(std::move(job));
    }
    wake.notify_one();
    return true;
  }
};

CpuPool::CpuPool(unsigned threads, std::size_t max_waiting) : impl_(std::make_unique<Impl>(max_waiting)) {
  for (unsigned i = 0; i < std::max(threads, 1U); ++i)
    impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
}

CpuPool::~CpuPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (auto& thread : impl_->threads) thread.join();
  for (auto& job : impl_->waiting) job.done.set(false);
}

Task<bool> CpuPool::run(std::move_only_function<void()> job) {
  const Promised<bool> done;
  if (!impl_->add({std::move(job), done})) co_return false;
  co_return co_await done.take();
}

} // namespace paquebot::directory
