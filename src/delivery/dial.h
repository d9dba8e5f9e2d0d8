#pragma once

#include "base/result.h"
#include "base/task.h"
#include "net/endpoint.h"
#include "net/stream.h"

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <string>

namespace paquebot::net {
class Wheel;
}

namespace paquebot::delivery {

/// How connections to other servers are opened: by sockets, and in tests otherwise.
class Dial {
public:
  virtual ~Dial() = default;
  /// A connection to an address or a local socket by the deadline, from the local address `from` ("": any). Errors as
  /// of net::connect_tcp().
  virtual Task<Result<net::Stream>> open(net::Endpoint to, std::string from,
                                         std::chrono::steady_clock::time_point deadline) = 0;
};

/// The network. `wheel` must outlive its streams.
class SocketDial final : public Dial {
public:
  SocketDial(boost::asio::any_io_executor executor, net::Wheel& wheel)
      : executor_(std::move(executor)), wheel_(wheel) {}
  Task<Result<net::Stream>> open(net::Endpoint to, std::string from,
                                 std::chrono::steady_clock::time_point deadline) override;

private:
  boost::asio::any_io_executor executor_;
  net::Wheel& wheel_;
};

} // namespace paquebot::delivery
