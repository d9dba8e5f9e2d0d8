#pragma once

#include "queue/plan.h"

#include <string>

namespace paquebot::delivery {

/// In what way a session was begun, beside its protection (Proof). It carries mail under the same terms only: a reload
/// may have changed a route meanwhile.
struct Terms {
  bool lmtp = false;
  std::string user;
  std::string password;

  bool operator==(const Terms&) const = default;
};

Terms terms_of(const queue::Plan& plan);

} // namespace paquebot::delivery
