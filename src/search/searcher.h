#pragma once

#include "base/task.h"
#include "imap/search_filter.h"
#include "search/index.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace paquebot::search {

/// Looks through the index in a thread of its own, one search after another. Thread-safe.
class Index::Searcher {
public:
  explicit Searcher(std::string path);
  ~Searcher();
  Searcher(const Searcher&) = delete;
  Searcher& operator=(const Searcher&) = delete;

  struct Found {
    store::UidSet ruled_out;
    bool damaged = false;
  };
  /// Rules nothing out when too many wait, or when the file can't be read.
  Task<Found> ask(store::Id mailbox, std::shared_ptr<const imap::FilterPlan> plan);
  /// The file is another one now, or none.
  void begin_anew();

private:
  struct Job {
    store::Id mailbox;
    std::shared_ptr<const imap::FilterPlan> plan;
    Promised<Found> done;
  };
  static constexpr std::size_t kMostWaiting = 1000;

  void work();
  Found look(const Job& job);

  const std::string path_;
  std::optional<IndexReader> reader_; ///< the thread's
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool anew_ = false, stopping_ = false;
  std::thread thread_; ///< begun by the first search
};

} // namespace paquebot::search
