#include "store/sqlite/readers.h"

#include "base/log.h"
#include "store/sqlite/schema.h"

#include <algorithm>
#include <pthread.h>

namespace paquebot::store::sqlite {

Readers::Readers(Open open, unsigned threads, const char* name, Carrier carrier)
    : open_(std::move(open)), carrier_(std::move(carrier)) {
  if (carrier_) {
    own_.emplace(open_());
    return;
  }
  std::vector<ReadDbs> connections;
  for (unsigned i = 0; i < std::max(threads, 1u); ++i) connections.push_back(open_());
  for (ReadDbs& dbs : connections) {
    threads_.emplace_back([this, name, own = std::move(dbs)]() mutable { loop(std::move(own), name); });
  }
}

Readers::~Readers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  while (carrier_ && !waiting_.empty()) work();
}

Readers::Snapshot::~Snapshot() {
  if (!db_.in_transaction()) return;
  try {
    db_.run("ROLLBACK");
  } catch (const DbError& error) {
    log::error("store-failed", {{"error", error.message}});
  }
}

void Readers::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  if (!carrier_) return wake_.notify_one();
  carrier_([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) work();
  });
}

/// A carrier's step: one job.
void Readers::work() {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    job = std::move(waiting_.front());
    waiting_.pop_front();
  }
  run(job, *own_);
}

/// Another database may have gone and come back meanwhile; SQLite's files are where they were.
void Readers::run(Job& job, ReadDbs& dbs) {
  if (job(dbs, dbs.main.is_sqlite())) return;
  try {
    dbs = open_();
  } catch (const DbError& error) {
    log::warning("store-unreachable", {{"why", error.message}});
  }
  job(dbs, true);
}

void Readers::loop(ReadDbs dbs, const char* name) {
  pthread_setname_np(pthread_self(), name);
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    run(job, dbs);
  }
}

} // namespace paquebot::store::sqlite
