#pragma once

#include "app/config.h"
#include "net/listener.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::app {

/// Listening sockets that the service manager opened for us (socket activation, sd_listen_fds(3)): connections wait in
/// them while the server is restarted, and no right to low ports is needed.
class Inherited {
public:
  Inherited() = default;
  /// Those that $LISTEN_FDS tells of, when $LISTEN_PID says that they are for this process. The variables are taken out
  /// of the environment. What is no listening stream socket is closed, with a warning. Call once, before other files
  /// are opened.
  static Inherited take_from_environment();
  /// The same for descriptors that are known: `names` as of $LISTEN_FDNAMES, "" where it says nothing.
  Inherited(const std::vector<int>& descriptors, const std::vector<std::string>& names);

  /// The socket of that listener: the one with the name that its key `socket` says, else the one that is bound to its
  /// address. Nothing: it is to be opened.
  std::optional<net::Listener> take(const ListenerConfig& listener);
  /// Closes those that no listener took, with a warning each.
  void close_rest();

private:
  struct Passed {
    std::string name;
    net::Listener listener;
  };
  std::vector<Passed> passed_;
};

} // namespace paquebot::app
