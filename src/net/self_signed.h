#pragma once

#include "net/tls.h"

#include <string>

namespace paquebot::net {

/// Certificates for tests of programs on this machine: who trusts the authority finds one good, for "localhost" and the
/// loopback's addresses, and the others bad for one reason each.
struct Makeshift {
  std::string authority_pem;
  SelfSigned good;
  SelfSigned expired;  ///< since yesterday
  SelfSigned other;    ///< for another name
  SelfSigned stranger; ///< signed by itself
};
Result<Makeshift> make_makeshift();

} // namespace paquebot::net
