#include "directory/network_watch.h"

#include <arpa/inet.h>
#include <utility>

namespace paquebot::directory {
namespace {

std::string watched_network_of(const std::string& address) {
  in_addr four{};
  if (inet_pton(AF_INET, address.c_str(), &four) == 1) return {reinterpret_cast<const char*>(&four), 3};
  in6_addr six{};
  if (inet_pton(AF_INET6, address.c_str(), &six) == 1) return {reinterpret_cast<const char*>(&six), 6};
  return {};
}

} // namespace

Task<Result<unsigned>> NetworkWatch::note(store::Id account, std::string address) {
  const unsigned most = most_;
  if (most == 0) co_return 0U;
  std::string network = watched_network_of(address);
  const auto count = co_await books_.note_network(account, std::move(network), kNetworksWithin);
  if (count && *count <= most) co_return 0U;
  co_return count;
}

} // namespace paquebot::directory
