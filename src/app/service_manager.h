#pragma once

#include "base/rights.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace paquebot::app {

/// Tells whoever started us (systemd, a container's runtime) how the server is: the protocol of $NOTIFY_SOCKET,
/// sd_notify(3). Without one nothing is told. What can't be told is lost: the server never waits for its manager.
/// Thread-safe.
class ServiceManager {
public:
  ServiceManager() = default;
  /// The one that the environment names. The variables are taken out of it: no child speaks for us.
  static ServiceManager take_from_environment();

  bool is_there() const { return static_cast<bool>(socket_); }
  /// The server is whole, or has finished a reload; in words for people.
  void ready(std::string_view words) const;
  /// A reload begins; ready() ends it.
  void reloading() const;
  void stopping(std::string_view words) const;
  void status(std::string_view words) const;
  /// The server gets on with its work.
  void alive() const;
  /// Within which time the manager wants to hear alive(), again and again; nothing: it does not listen.
  std::optional<std::chrono::milliseconds> patience() const { return patience_; }

private:
  void tell(const std::string& lines) const;

  paquebot::Descriptor socket_;
  sockaddr_un address_{};
  socklen_t size_ = 0;
  std::optional<std::chrono::milliseconds> patience_;
};

} // namespace paquebot::app
