#include "store/postgres/pulse.h"

#include <chrono>
#include <optional>
#include <pthread.h>

namespace paquebot::store::postgres {
namespace {

constexpr std::chrono::seconds kBeatEvery{1};

} // namespace

Pulse::Pulse(Options options) : options_(std::move(options)), thread_([this] { loop(); }) {}

Pulse::~Pulse() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

/// False when the epoch has ended.
bool Pulse::beat(std::optional<sqlite::Db>& db) {
  try {
    if (!db) db.emplace(options_.open());
    db->run("UPDATE writer SET beat = beat + 1 WHERE epoch = ? AND lane = ?", options_.epoch, kPulseLane);
    return db->changes() != 0;
  } catch (const DbError&) { // the lanes say what is wrong
    db.reset();
  }
  return true;
}

void Pulse::loop() {
  pthread_setname_np(pthread_self(), "store-pulse");
  std::optional<sqlite::Db> db;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool ours = beat(db);
    if (!ours) options_.on_fatal("another node took this one for dead and writes in its place");
    lock.lock();
    if (!ours) return;
    wake_.wait_for(lock, kBeatEvery, [this] { return stopping_; });
  }
}

} // namespace paquebot::store::postgres
