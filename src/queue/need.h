#pragma once

#include "net/dane.h"

#include <string>
#include <variant>

namespace paquebot::queue {

/// How a connection to a host must be protected, at the least, before it may carry a message. (What one is worth:
/// delivery::Proof.)
struct Need {
  /// In clear too, where TLS is not to be had (RFC 7435).
  struct Any {
    bool operator==(const Any&) const = default;
  };
  /// TLS, whoever is at the other end.
  struct Encrypted {
    bool operator==(const Encrypted&) const = default;
  };
  /// TLS with a certificate for `name` that `roots` vouch for (PEM; empty: the system's).
  struct Pkix {
    std::string name;
    std::string roots;
    bool operator==(const Pkix&) const = default;
  };

  /// TLS with a server that TLSA records know (RFC 7672).
  using Dane = net::Dane;

  std::variant<Any, Encrypted, Pkix, Dane> hop;
  bool onward = false; ///< the host must promise as much for the way behind it: REQUIRETLS (RFC 8689 section 4.2.1)

  bool is_any() const { return std::holds_alternative<Any>(hop) && !onward; }
  const Pkix* pkix() const { return std::get_if<Pkix>(&hop); }
  const Dane* dane() const { return std::get_if<Dane>(&hop); }
  bool operator==(const Need&) const = default;
};

} // namespace paquebot::queue
