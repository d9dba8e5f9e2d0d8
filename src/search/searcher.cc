#include "search/searcher.h"

#include "base/log.h"

#include <pthread.h>
#include <utility>

namespace paquebot::search {

Index::Searcher::Searcher(std::string path) : path_(std::move(path)) {}

Index::Searcher::~Searcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (Job& job : jobs_) job.done.set({});
}

Task<Index::Searcher::Found> Index::Searcher::ask(store::Id mailbox, std::shared_ptr<const imap::FilterPlan> plan) {
  const Promised<Found> done;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= kMostWaiting) co_return Found();
    jobs_.push_back({mailbox, std::move(plan), done});
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  }
  wake_.notify_one();
  co_return co_await done.take();
}

void Index::Searcher::begin_anew() {
  const std::lock_guard lock(mutex_);
  anew_ = true;
}

void Index::Searcher::work() {
  pthread_setname_np(pthread_self(), "search");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    const bool anew = std::exchange(anew_, false);
    lock.unlock();
    if (anew) reader_.reset();
    job.done.set(look(job));
    lock.lock();
  }
}

Index::Searcher::Found Index::Searcher::look(const Job& job) {
  Found found;
  try {
    if (!reader_) reader_.emplace(path_);
    found.ruled_out = reader_->rule_out(job.mailbox, *job.plan, found.damaged);
  } catch (const store::sqlite::DbError& error) {
    reader_.reset();
    log::warning("search-index-unreadable", {{"file", path_}, {"why", error.message}});
    return {.ruled_out = {}, .damaged = error.damaged()};
  }
  return found;
}

} // namespace paquebot::search
