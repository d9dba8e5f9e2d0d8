#pragma once

#include "store/postgres/connection.h"
#include "store/types.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace paquebot::store::postgres {

inline constexpr int kPulseLane = 3;

/// Says each second that this node lives, by a connection of its own: whoever wants to take its place looks for it. A
/// database that is away ends nobody.
class Pulse {
public:
  struct Options {
    std::function<std::shared_ptr<PgConnection>()> open; ///< throws DbError
    std::function<void(std::string)> on_fatal;           ///< the epoch has ended: does not return in production
    Id epoch = 0;
  };
  explicit Pulse(Options options);
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

private:
  void loop();
  bool beat(std::optional<sqlite::Db>& db);

  const Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::jthread thread_; ///< last: it uses all of the above
};

} // namespace paquebot::store::postgres
