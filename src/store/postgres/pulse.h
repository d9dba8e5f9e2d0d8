#pragma once

#include "store/postgres/connection.h"
#include "store/postgres/exchange.h"
#include "store/sqlite/tx.h"
#include "store/types.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace paquebot::store::postgres {

/// What a node does beside its mail, on a thread and a connection of its own: says each second that it lives, ends the
/// epochs of nodes that have not said so for ten seconds, and carries what nodes tell each other. A database that is
/// away ends nobody: who could not say so itself judges nobody.
class Pulse {
public:
  struct Options {
    std::function<std::shared_ptr<PgConnection>()> open; ///< throws DbError
    std::function<void(std::string)> on_fatal;           ///< the epoch has ended: does not return in production
    std::function<void(const Change&)> told;             ///< of what others did
    sqlite::FeedState* feed = nullptr;                   ///< which others write too
    Id epoch = 0;
    std::chrono::milliseconds taken_for_dead{10'000};
  };
  explicit Pulse(Options options); ///< throws DbError
  ~Pulse();                        ///< what waits to be told is told, if the database is there
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  /// Any thread: the others hear of it soon.
  void tell(const Change& change);

private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    std::int64_t beat;
    Clock::time_point since;
  };

  void loop();
  bool turn(bool last);
  bool beat();
  void look();
  void judge();
  void connect();

  const Options options_;
  Exchange exchange_;
  std::optional<sqlite::Db> db_;
  Clock::time_point beaten_{}; ///< own, last
  Clock::time_point pruned_{};
  bool begun_ = false;
  std::int64_t watched_ = 0; ///< as others know it
  std::map<Id, Seen> others_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool told_ = false;
  std::jthread thread_; ///< last: it uses all of the above
};

} // namespace paquebot::store::postgres
