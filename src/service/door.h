#pragma once

#include "base/task.h"
#include "directory/login_throttle.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "service/gate.h"
#include "service/snapshot.h"

#include <string_view>

namespace paquebot::service {

/// All that comes before a session: whose connection it really is, whether he may come, and whether there is room.
/// Thread-safe.
class Door {
public:
  /// `logins` must outlive it: it knows who logged in lately, for whom room is kept.
  explicit Door(directory::LoginThrottle& logins) : logins_(logins) {}

  /// Whether this peer may have a session now; whom a trusted proxy brings is `peer` afterwards. True: he has room
  /// until leave(). False: he has been told why, where that is possible, and the connection is to be dropped.
  Task<bool> admit(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer, GateLimits limits);
  void leave(const net::Endpoint& peer) { gate_.leave(peer.address); }
  /// Connections that have room.
  unsigned count() const { return gate_.total(); }

private:
  Task<bool> unwrap(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer, GateLimits limits);
  Guest guest_of(const ListenerSnapshot& listener, const net::Endpoint& peer, const GateLimits& limits);
  Task<void> turn_away(const ListenerSnapshot& listener, net::Stream& stream, std::string_view words,
                       std::string_view pop3_words);

  Gate gate_;
  directory::LoginThrottle& logins_;
};

} // namespace paquebot::service
