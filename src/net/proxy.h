#pragma once

#include "base/result.h"
#include "net/endpoint.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace paquebot::net {

/// What the header of the PROXY protocol tells: whose connection a proxy passes on.
struct ProxyHeader {
  /// False for a connection of the proxy's own (LOCAL, UNKNOWN, and families that no mail comes over): the connection's
  /// real ends count.
  bool proxied = false;
  Endpoint source;      ///< the client
  Endpoint destination; ///< where it connected to
};

/// Reads the header in front of a connection (HAProxy's "The PROXY protocol", versions 1 and 2), without ever asking
/// for an octet behind it: what follows belongs to the session, or to TLS. Pure.
///
///     while (!reader.done()) { read at most reader.wants() octets; reader.feed(them); }
class ProxyReader {
public:
  /// The longest header taken. Version 1 has at most 107 octets; version 2 at most 232 and then TLVs, which are
  /// skipped.
  static constexpr std::size_t kMost = 4096;

  /// The most octets that are surely of the header; at least 1 until done().
  std::size_t wants() const { return wants_; }
  /// 1 to wants() octets, in the order they came. `invalid`: this is no header, drop the connection.
  Result<> feed(std::string_view octets);
  bool done() const { return wants_ == 0; }
  /// Once done().
  const ProxyHeader& header() const { return header_; }

private:
  Result<> look_at_line();
  Result<> look_at_block();
  Result<> read_line(std::string_view line);
  Result<> read_block();

  std::string bytes_;
  std::size_t wants_ = 15; ///< the shortest header of either version
  ProxyHeader header_;
};

} // namespace paquebot::net
