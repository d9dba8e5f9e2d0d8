#include "service/proxied.h"

#include "base/clock.h"
#include "net/proxy.h"

namespace paquebot::service {

Task<Result<>> read_proxy_header(net::Stream& stream) {
  stream.set_deadline(system_clock().now() + std::chrono::seconds(5));
  net::ProxyReader reader;
  while (!reader.done()) {
    const std::size_t most = reader.wants();
    auto octets = co_await stream.read_at_most(most);
    if (!octets) co_return std::unexpected(octets.error());
    if (octets->empty()) co_return fail(Errc::closed, "closed within the PROXY header");
    if (auto taken = reader.feed(*octets); !taken) co_return taken;
  }
  stream.release_buffer();
  const net::ProxyHeader& header = reader.header();
  if (header.proxied) stream.set_ends(header.destination, header.source);
  co_return Result<>{};
}

} // namespace paquebot::service
