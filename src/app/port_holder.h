#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>

namespace paquebot::app {

struct PortHolder {
  std::string name; ///< of the program, printable
  int pid = 0;
};

/// Which process listens on that TCP port of this machine, on any address. Nothing when none does, or it can't be seen:
/// only root sees those of others.
std::optional<PortHolder> holder_of(std::uint16_t port);

/// An error of net::Listener::open() with what to do about it: who holds a port that is taken, who may open a low one.
Error explain_listen_error(const std::string& address, const Error& error);

/// Whether a listener could be opened there now; the error is explained as above. Opens it for a moment. Local sockets
/// are not tried: the server replaces a stale one.
Result<> try_listening(const std::string& address);

} // namespace paquebot::app
