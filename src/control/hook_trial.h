#pragma once

#include "net/network.h"

#include <string>

namespace paquebot::control {

/// What came of posting to a hook.
struct HookTrial {
  unsigned status = 0; ///< of HTTP; 0: no answer came
  std::string error{}; ///< empty: it was taken
};

/// Where hooks may lead.
struct HookRules {
  net::Networks also{}; ///< networks that are not of the public Internet
  bool plain = false;   ///< http: as well
};

} // namespace paquebot::control
