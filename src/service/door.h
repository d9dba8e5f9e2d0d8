#pragma once

#include "base/task.h"
#include "directory/login_throttle.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "policy/attempts.h"
#include "service/gate.h"
#include "service/snapshot.h"

#include <string_view>

namespace paquebot::service {

/// All that comes before a session: whose connection it really is, whether he may come, and whether there is room.
/// Thread-safe.
class Door {
public:
  /// `logins` must outlive it: it knows who logged in lately, for whom room is kept.
  /// `attempts`: where users whose connection was refused are written down; may be null.
  explicit Door(directory::LoginThrottle& logins, policy::Attempts* attempts = nullptr)
      : logins_(logins), attempts_(attempts) {}

  /// Whether this peer may have a session now; whom a trusted proxy brings is `peer` afterwards. True: he has room
  /// until leave(). False: he has been told why, where that is possible, and the connection is to be dropped.
  Task<bool> admit(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer, GateLimits limits);
  void leave(const net::Endpoint& peer, ListenerRole role = ListenerRole::mx);
  /// Connections that have room.
  unsigned count() const { return gate_.total(); }

private:
  Task<bool> unwrap(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer, GateLimits limits);
  Guest guest_of(const ListenerSnapshot& listener, const net::Endpoint& peer, const GateLimits& limits);
  Gate::Verdict enter(const ListenerSnapshot& listener, const net::Endpoint& peer, const GateLimits& limits);
  enum class Refusal : std::uint8_t { busy, stranger };
  void note(const ListenerSnapshot& listener, const net::Stream& stream, const net::Endpoint& peer, const char* why);
  Task<void> turn_away(const ListenerSnapshot& listener, net::Stream& stream, Refusal why);

  Gate gate_;
  Gate web_; ///< those of HTTP, which are in gate_ as well: browsers must not keep mail out
  directory::LoginThrottle& logins_;
  policy::Attempts* attempts_;
};

} // namespace paquebot::service
