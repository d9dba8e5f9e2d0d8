#pragma once

#include "queue/plan.h"

#include <string>

namespace paquebot::delivery {

/// What a connection was made under. It carries mail under the same terms only: a reload may have changed a route meanwhile.
struct Terms {
  queue::RouteTls tls = queue::RouteTls::opportunistic;
  bool verify = false;
  bool require_tls = false;
  bool lmtp = false;
  std::string ca_pem;
  std::string user;
  std::string password;

  bool operator==(const Terms&) const = default;
};

Terms terms_of(const queue::Plan& plan);

} // namespace paquebot::delivery
