#include "store/postgres/pulse.h"

#include "base/log.h"
#include "store/postgres/nodes.h"

#include <algorithm>
#include <chrono>
#include <pthread.h>
#include <vector>

namespace paquebot::store::postgres {
namespace {

using namespace std::chrono_literals;

constexpr auto kBeatEvery = 1s;
constexpr auto kLookEvery = 200ms;
constexpr auto kGather = 30ms;   // of what is told in a row
constexpr auto kOwnSilence = 3s; // after which nobody else's is held against him
constexpr auto kPruneEvery = 60s;

std::string name_of(sqlite::Db& db, Id epoch) {
  sqlite::Query q = db.query("SELECT name FROM node WHERE id = ?", epoch);
  return q.row() ? q.text(0) : std::string();
}

} // namespace

Pulse::Pulse(Options options) : options_(std::move(options)) {
  connect(); // what changes from here on is heard of
  thread_ = std::jthread([this] { loop(); });
}

Pulse::~Pulse() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

void Pulse::tell(const Change& change) {
  exchange_.put(change);
  {
    const std::lock_guard lock(mutex_);
    told_ = true;
  }
  wake_.notify_one();
}

/// What was told while there was no connection may have been lost with the database's last moments.
void Pulse::connect() {
  db_.emplace(options_.open());
  db_->exec("SET synchronous_commit TO off"); // signs of life wait for no copy of the database
  exchange_.begin(*db_);
  others_.clear();
  if (std::exchange(begun_, true)) tell_all(options_.told);
}

/// False when the epoch has ended.
bool Pulse::beat() {
  watched_ = options_.feed->watched_until;
  db_->run(
      "UPDATE node SET beat = beat + 1, seen = database_ms(), watched = ? WHERE epoch = ? AND ended = 0 AND id <> 1",
      watched_, options_.epoch);
  if (db_->changes() == 0) return false;
  const auto now = Clock::now();
  if (now - beaten_ > kOwnSilence) others_.clear();
  beaten_ = now;
  return true;
}

void Pulse::look() {
  std::int64_t newest = 0, last = 0, watched = 0;
  {
    sqlite::Query q =
        db_->query("SELECT seq, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM feed_id_seq), "
                   "(SELECT coalesce(max(watched), 0) FROM node WHERE ended = 0 AND epoch <> ?) "
                   "FROM turn WHERE id = 2",
                   options_.epoch);
    if (!q.row()) return;
    newest = q.i64(0), last = q.i64(1), watched = q.i64(2);
  }
  const auto raise = [](auto& known, std::int64_t value) {
    for (std::int64_t before = known; before < value && !known.compare_exchange_weak(before, value);) {
    }
  };
  raise(options_.feed->last, last);
  raise(options_.feed->watched_until, watched);
  exchange_.receive(*db_, options_.epoch, newest, options_.told);
}

/// By the own clock alone, while own signs of life arrive.
void Pulse::judge() {
  std::map<Id, Seen> now;
  {
    sqlite::Query q =
        db_->query("SELECT epoch, beat FROM node WHERE ended = 0 AND id <> 1 AND epoch <> ?", options_.epoch);
    while (q.row()) {
      const auto known = others_.find(q.i64(0));
      const bool silent = known != others_.end() && known->second.beat == q.i64(1);
      now[q.i64(0)] = silent ? known->second : Seen{q.i64(1), Clock::now()};
    }
  }
  others_ = std::move(now);
  std::vector<Id> dead;
  for (const auto& [epoch, seen] : others_)
    if (Clock::now() - seen.since > options_.taken_for_dead) dead.push_back(epoch);
  for (const Id epoch : dead) {
    if (end_epoch(*db_, epoch, options_.epoch)) {
      log::warning("node-taken-over",
                   {{"epoch", epoch}, {"node", name_of(*db_, epoch)}, {"why", "it gave no sign of life"}});
      tell_all(options_.told);
    }
    others_.erase(epoch);
  }
}

/// False when the epoch has ended. What fails is tried again: the lanes say what is wrong.
bool Pulse::turn(bool last) {
  try {
    if (!db_ && last) return true;
    if (!db_) connect();
    if (exchange_.waits()) exchange_.send(*db_, options_.epoch);
    if (last) return true;
    const bool due = Clock::now() - beaten_ >= kBeatEvery || options_.feed->watched_until > watched_;
    if (due && !beat()) return false;
    look();
    if (due) judge();
    if (Clock::now() - pruned_ >= kPruneEvery) {
      Exchange::prune(*db_);
      pruned_ = Clock::now();
    }
  } catch (const DbError&) {
    db_.reset();
  }
  return true;
}

void Pulse::loop() {
  pthread_setname_np(pthread_self(), "store-pulse");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    told_ = false;
    lock.unlock();
    if (!turn(false)) return options_.on_fatal("another node took this one for dead and works in its place");
    lock.lock();
    wake_.wait_for(lock, kLookEvery, [this] { return stopping_ || told_; });
    if (told_) wake_.wait_for(lock, kGather, [this] { return stopping_; });
  }
  lock.unlock();
  turn(true);
}

} // namespace paquebot::store::postgres
