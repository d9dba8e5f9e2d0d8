#pragma once

#include "queue/route.h"
#include "queue/schedule.h"

#include <cstddef>

namespace paquebot::queue {

struct Options {
  Schedule schedule;
  RouteTable routes;
  unsigned workers_total = 1000; ///< deliveries at the same time
  unsigned workers_per_destination = 10;
  std::size_t window = 4000; ///< jobs of one destination that wait in memory; more wait in the store
};

} // namespace paquebot::queue
