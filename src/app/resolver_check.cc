#include "app/resolver_check.h"

#include "dns/look.h"
#include "dns/servers.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace paquebot::app {
namespace {

constexpr auto kLookFor = std::chrono::milliseconds(1000);
constexpr std::size_t kLookedAt = 4;

std::string words_of(const dns::Seen& seen, bool required) {
  const std::string name = "the resolver " + seen.server.to_string();
  switch (seen.signatures) {
    case dns::Signatures::silent: return name + " does not answer";
    case dns::Signatures::failing: return name + " answers that it can't answer";
    case dns::Signatures::stripped:
      return name + " does not pass DNSSEC signatures on: " +
             (required ? "nothing that it says will be used, and mail will wait"
                       : "what it says can't be validated, and nothing will count as secure");
    case dns::Signatures::unknown:
    case dns::Signatures::passed: break;
  }
  return {};
}

} // namespace

std::vector<std::string> check_resolvers(const dns::Options& options) {
  if (!options.validates()) return {};
  const dns::Servers servers = dns::servers_of(options);
  const std::vector<std::string> zones = dns::anchored_zones(options.trust_anchor);
  std::vector<dns::Seen> seen(std::min(servers.addresses.size(), kLookedAt));
  auto look = [](net::Endpoint server, std::vector<std::string> asked, dns::Seen& into) -> Task<void> {
    into = co_await dns::look_at(std::move(server), std::move(asked), kLookFor);
  };
  boost::asio::io_context here;
  for (std::size_t i = 0; i < seen.size(); ++i)
    boost::asio::co_spawn(here, look(servers.addresses[i], zones, seen[i]), [](const std::exception_ptr&) {});
  here.run();
  std::vector<std::string> lines;
  for (const dns::Seen& one : seen)
    if (auto words = words_of(one, options.dnssec == dns::Dnssec::required); !words.empty())
      lines.push_back(std::move(words));
  return lines;
}

} // namespace paquebot::app
