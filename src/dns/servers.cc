#include "dns/servers.h"

#include "base/text.h"
#include "dns/wire.h"
#include "net/network.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace paquebot::dns {

namespace {

constexpr std::size_t kServersMost = 8;
constexpr std::size_t kZonesMost = 8;
constexpr std::uint16_t kPort = 53;
/// a, k and m.root-servers.net.
constexpr const char* kRootServers[] = {"198.41.0.4", "193.0.14.129", "202.12.27.33"};

/// Words of a line, without what is behind a mark of comment.
std::vector<std::string> words_in(std::string_view line, std::string_view comments) {
  std::istringstream rest{std::string(line.substr(0, line.find_first_of(comments)))};
  std::vector<std::string> words;
  for (std::string word; rest >> word;) words.push_back(word);
  return words;
}

} // namespace

std::vector<net::Endpoint> read_resolv_conf(std::string_view text) {
  std::vector<net::Endpoint> found;
  for (const auto line : split(text, '\n')) {
    const auto words = words_in(line, "#;");
    if (words.size() < 2 || words[0] != "nameserver" || found.size() == kServersMost) continue;
    const std::string address = words[1].substr(0, words[1].find('%')); // the zone of a link-local address
    if (net::is_ip_address(address)) found.push_back({address, kPort});
  }
  return found;
}

Servers servers_of(const Options& options) {
  Servers servers;
  for (const std::string& text : options.resolvers)
    if (auto endpoint = net::parse_endpoint(text); endpoint && servers.addresses.size() < kServersMost)
      servers.addresses.push_back(*endpoint);
  if (!options.resolvers.empty()) return servers;
  std::ifstream file("/etc/resolv.conf");
  std::ostringstream text;
  text << file.rdbuf();
  servers.addresses = read_resolv_conf(text.str());
  if (!servers.addresses.empty()) return servers;
  servers.resolvers = false;
  for (const char* address : kRootServers) servers.addresses.push_back({address, kPort});
  return servers;
}

bool is_loopback(const net::Endpoint& server) {
  static const net::Networks own = net::Networks::parse({"127.0.0.0/8", "::1"}).value();
  return own.contains(server.address);
}

bool is_local_address(const net::Endpoint& server) {
  static const net::Networks local =
      net::Networks::parse({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                            "172.16.0.0/12", "192.168.0.0/16", "::", "::1", "fc00::/7", "fe80::/10"})
          .value();
  return local.contains(server.address);
}

std::vector<std::string> anchored_zones(std::string_view trust_anchor) {
  std::vector<std::string> zones;
  for (const auto line : split(trust_anchor, '\n')) {
    const auto words = words_in(line, ";");
    if (words.empty() || zones.size() == kZonesMost) continue;
    std::string zone = to_lower(words[0]);
    if (zone != "." && zone.ends_with('.')) zone.pop_back();
    if ((zone == "." || is_query_name(zone)) && std::ranges::find(zones, zone) == zones.end())
      zones.push_back(std::move(zone));
  }
  if (zones.empty()) zones.emplace_back(".");
  return zones;
}

} // namespace paquebot::dns
