#pragma once

#include "queue/provider.h"
#include "queue/route.h"
#include "queue/schedule.h"
#include "queue/source.h"

#include <cstddef>
#include <memory>

namespace paquebot::queue {

struct Options {
  Schedule schedule;
  RouteTable routes;
  std::shared_ptr<const Providers> providers{}; ///< null: none
  std::shared_ptr<const Sources> sources{};     ///< null: none
  unsigned workers_total = 1000;                ///< deliveries at the same time
  unsigned workers_per_destination = 10;
  std::size_t window = 4000; ///< jobs of one destination that wait in memory; more wait in the store
};

} // namespace paquebot::queue
