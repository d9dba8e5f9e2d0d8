#pragma once

#include "base/ulid.h"
#include "mail/address.h"
#include "store/destination_key.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::queue {

/// Where mail leaves from: local addresses, and the name that we greet with there.
struct Source {
  std::string name;       ///< a-z, 0-9, "-"
  std::string ipv4, ipv6; ///< one of them at least; hosts of a family without one are not tried
  std::string ehlo;       ///< "": as everywhere
  bool operator==(const Source&) const = default;
};

/// Whose mail leaves from which sources, in what shares.
struct Pool {
  struct Share {
    std::string source;
    std::uint32_t weight = 1; ///< 0: none
    bool operator==(const Share&) const = default;
  };
  std::string name;
  std::vector<std::string> from; ///< return addresses, domains of these, or "*": all mail
  std::vector<Share> shares;
  bool operator==(const Pool&) const = default;
};

/// All that are configured. Immutable.
class Sources {
public:
  Sources() = default;
  Sources(std::vector<Source> all, std::vector<Pool> pools) : all_(std::move(all)), pools_(std::move(pools)) {}
  bool empty() const { return all_.empty(); }
  const std::vector<Source>& all() const { return all_; }
  const std::vector<Pool>& pools() const { return pools_; }
  const Source* by_name(std::string_view name) const;
  /// The pool of mail with that return address: that of the address, of its domain, or of all. Only what our own
  /// accounts submitted (`submitted`) has the first two. Null: none.
  const Pool* pool_of(const mail::Address& from, bool submitted) const;
  /// The source for such a message; the same for all of its recipients. "": as if there were no sources.
  std::string choose(const mail::Address& from, bool submitted, const Ulid& id) const;

private:
  std::vector<Source> all_;
  std::vector<Pool> pools_;
};

using store::bind_to;
using store::Bound;
using store::bound_of;

} // namespace paquebot::queue
