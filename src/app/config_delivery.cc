// [delivery]: how other servers are connected to.

#include "app/toml_reader.h"
#include "net/endpoint.h"

namespace paquebot::app {
namespace {

/// One family or both.
void read_families(Reader& read, const toml::table& t, delivery::ConnectorOptions& options) {
  std::vector<std::string> families;
  read.texts(t, "families", families);
  const toml::node* node = t.get("families");
  if (node == nullptr || node->as_array() == nullptr) return;
  options.ipv4 = options.ipv6 = false;
  for (const std::string& family : families) {
    if (family == "ipv4")
      options.ipv4 = true;
    else if (family == "ipv6")
      options.ipv6 = true;
    else
      read.error(*node, fmt::format("families = [\"{}\"] is not known: use \"ipv4\", \"ipv6\" or both",
                                    printable(family, 60)));
  }
  if (families.empty()) read.error(*node, "families must name \"ipv4\", \"ipv6\" or both");
}

/// A text, or a list with one for each family.
void read_sources(Reader& read, const toml::table& t, delivery::ConnectorOptions& options) {
  const toml::node* node = t.get("source_address");
  if (node == nullptr) return;
  std::vector<std::string> sources;
  if (node->as_array() != nullptr)
    read.texts(t, "source_address", sources);
  else
    read.text(t, "source_address", sources.emplace_back());
  for (const std::string& source : sources) {
    if (source.empty()) continue;
    if (!net::is_ip_address(source)) {
      read.error(*node, fmt::format("source_address = \"{}\" is not an IP address", printable(source, 60)));
      continue;
    }
    const bool four = source.find(':') == std::string::npos;
    std::string& into = four ? options.source_ipv4 : options.source_ipv6;
    const std::string_view family = four ? "IPv4" : "IPv6";
    if (!into.empty())
      read.error(*node, fmt::format("source_address names two addresses of {}: one is enough", family));
    if (!(four ? options.ipv4 : options.ipv6))
      read.error(*node, fmt::format("source_address names an address of {}, which families leaves out", family));
    into = source;
  }
}

} // namespace

void read_delivery(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "delivery");
  read.only(t, "[delivery]", {"port", "source_address", "families", "connect_timeout"});
  read.number(t, "port", 1, 65535, config.connector.port);
  read_families(read, t, config.connector);
  read_sources(read, t, config.connector);
  read.duration(t, "connect_timeout", std::chrono::seconds(1), config.connector.connect_timeout);
}

} // namespace paquebot::app
