#pragma once

#include "queue/destinations.h"

#include <cstddef>
#include <optional>
#include <string>

namespace paquebot::queue {

/// How many workers there are, and where one more may start: the bounds in all and for each destination, one probe for
/// a place that failed, the seats of each kind, in turns between the kinds so that none starves while there is much of
/// another. Pure: it reads no clock and no store. Guard it, with its destinations, by a lock. Seats are given back,
/// paused and resumed without that lock, because Seats::on_freed() may call for it.
class Crew {
public:
  struct Terms {
    unsigned total = 0;
    unsigned per_destination = 0;
    std::int64_t wall = 0; ///< milliseconds
    Instant now{};
    bool from_store = true; ///< work may come out of the store
  };

  Crew(Destinations& destinations, Seats& seats) : destinations_(destinations), seats_(seats) {}

  /// A destination that gets a worker now; nothing when there is none. `seat`, which is free: what the worker takes
  /// until it has a job.
  std::optional<std::string> start(const Terms& terms, Seat* seat);
  /// A worker ends.
  void release(const std::string& key, std::int64_t wall);
  /// One does not count while it waits, in line with seats of such a kind. False: too many do.
  bool pause(Seat::Kind kind);
  void resume(Seat::Kind kind);
  unsigned working() const { return workers_; } ///< without the paused ones
  unsigned paused() const { return paused_; }

  /// The next job of the destination that there is a seat for, with that seat.
  std::optional<Job> pick(const std::string& key, Destination& place, unsigned total);

  /// One worker less than now, and no more until then. False when there is no other.
  static bool spare(Destination& place, Instant until);

private:
  static bool spared(const Destination& place, const Terms& terms);
  static bool may_start(const Destination& place, const Terms& terms);
  void add(Destination& place, Seat::Kind kind, Seat* seat);
  std::optional<std::string> start_ready(Seat::Kind kind, const Terms& terms, Seat* seat);
  std::optional<std::string> start_due(const Terms& terms, Seat* seat);

  Destinations& destinations_;
  Seats& seats_;
  std::size_t turn_ = 0; ///< the kind that is looked at first
  unsigned workers_ = 0;
  unsigned paused_ = 0;
  unsigned paused_strangers_ = 0; ///< of them
};

} // namespace paquebot::queue
