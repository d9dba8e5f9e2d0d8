#include "delivery/dial.h"

#include "net/wheel.h"

#include <utility>

namespace paquebot::delivery {

Task<Result<net::Stream>> SocketDial::open(net::Endpoint to, std::string from,
                                           std::chrono::steady_clock::time_point deadline) {
  Result<net::Stream> stream = fail(Errc::closed, "");
  std::string path = to.address;
  if (to.is_local())
    stream = co_await net::connect_local(executor_, wheel_, std::move(path), deadline);
  else
    stream = co_await net::connect_tcp(executor_, wheel_, std::move(to), std::move(from), deadline);
  co_return stream;
}

} // namespace paquebot::delivery
