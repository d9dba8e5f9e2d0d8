#pragma once

#include "queue/destinations.h"
#include "queue/sites.h"

#include <cstddef>
#include <optional>
#include <string>

namespace paquebot::queue {

/// How many workers there are, and where one more may start: the bounds in all, for each destination and for each site,
/// one probe for a place that failed, the seats of each kind, in turns between the kinds so that none starves while
/// there is much of another. A destination whose site is known and has no room waits there. Pure: it reads no clock and
/// no store. Guard it, with its destinations and sites, by a lock. Seats are given back without that lock, because
/// Seats::on_freed() may call for it.
class Crew {
public:
  struct Terms {
    unsigned total = 0;
    unsigned per_destination = 0;
    std::int64_t wall = 0;  ///< milliseconds
    bool from_store = true; ///< work may come out of the store
  };

  Crew(Destinations& destinations, Seats& seats, Sites& sites)
      : destinations_(destinations), seats_(seats), sites_(sites) {}

  /// A destination that gets a worker now; nothing when there is none. `seat`, which is free: what the worker takes
  /// until it has a job. Where its site is known, and `site` is not null, it is there already.
  std::optional<std::string> start(const Terms& terms, Seat* seat, std::string* site = nullptr);
  /// A worker ends.
  void release(const std::string& key, std::int64_t wall);
  unsigned working() const { return workers_; }

  /// Whether one that is at the site must not take up more.
  bool surplus(const std::string& site, unsigned per_site, std::int64_t wall) const;
  /// A worker goes from one destination to another. False: there is nothing to do, or nobody may go there.
  bool move(const std::string& from, const std::string& to, unsigned per_destination, std::int64_t wall);
  /// There may be room at the site: of the destinations that wait there as many go as have room.
  void free(const std::string& site, unsigned per_site, std::int64_t wall);

  /// The same for all sites of providers, of which something has ended that slowed them down.
  void free_provided(unsigned per_site, std::int64_t wall);

  /// The next job of the destination that there is a seat for, with that seat; nothing of the lane `except`.
  std::optional<Job> pick(const std::string& key, Destination& place, unsigned total,
                          std::optional<store::Id> except = {});

private:
  static bool may_start(const Destination& place, unsigned per_destination, std::int64_t wall);
  static bool may_work(const Destination& place, unsigned per_destination, std::int64_t wall);
  bool free_one(const std::string& site, unsigned per_site, std::int64_t wall);
  bool wait_at_site(const std::string& key, const Destination& place, const Terms& terms);
  void add(Destination& place, Seat::Kind kind, Seat* seat);
  std::optional<std::string> start_one(const Terms& terms, Seat* seat);
  std::optional<std::string> start_ready(Seat::Kind kind, const Terms& terms, Seat* seat);
  std::optional<std::string> start_due(const Terms& terms, Seat* seat);

  Destinations& destinations_;
  Seats& seats_;
  Sites& sites_;
  std::size_t turn_ = 0; ///< the kind that is looked at first
  unsigned workers_ = 0;
  bool freed_ = false; ///< some went out of the line of a site
};

} // namespace paquebot::queue
