#pragma once

#include "queue/need.h"

#include <string>

namespace paquebot::delivery {

/// What setting up a connection has shown. Judged by what was enforced then: a certificate counts only where its check
/// was a condition of the handshake.
struct Proof {
  bool encrypted = false;
  std::string name;    ///< whom the certificate was checked to name; empty: it was not checked
  std::string roots;   ///< those that vouch for it, as in queue::Need::Pkix
  bool onward = false; ///< the host offers REQUIRETLS
};

/// Whether it may carry what needs that.
bool satisfies(const Proof& proof, const queue::Need& need);

} // namespace paquebot::delivery
