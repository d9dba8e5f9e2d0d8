#include "app/config_checks.h"

#include "base/text.h"
#include "mail/address.h"
#include "net/endpoint.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

/// Folders of the system: the server would take them over, and let everybody put files into them.
constexpr auto kSystemFolders = std::to_array<std::string_view>(
    {"/",        "/bin",         "/boot",    "/dev",      "/etc",     "/home",      "/lib",       "/lib64",
     "/media",   "/mnt",         "/opt",     "/proc",     "/root",    "/run",       "/sbin",      "/srv",
     "/sys",     "/tmp",         "/usr",     "/usr/bin",  "/usr/lib", "/usr/sbin",  "/usr/local", "/var",
     "/var/lib", "/var/backups", "/var/log", "/var/mail", "/var/run", "/var/spool", "/var/tmp"});

bool is_within(const std::string& path, const std::string& folder) {
  return path == folder || (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

void check_folder(Reader& read, const Node& table, std::string_view key, const std::string& folder) {
  if (std::ranges::find(kSystemFolders, folder) == kSystemFolders.end() || table.find(key) == nullptr) return;
  read.error(table, key,
             fmt::format("{} = \"{}\" is a folder of the system: name one that is only for this, such as "
                         "\"/var/lib/paquebot\"",
                         key, folder));
}

/// Whether two addresses claim one port: an address, and all addresses of its kind; "[::]" is IPv6 and IPv4.
bool overlap(const net::Endpoint& a, const net::Endpoint& b) {
  if (a.port != b.port || a.port == 0 || a.is_local() || b.is_local()) return false;
  const bool a6 = a.address.find(':') != std::string::npos, b6 = b.address.find(':') != std::string::npos;
  if (a.address == b.address || a.address == "::" || b.address == "::") return true;
  return a6 == b6 && !a6 && (a.address == "0.0.0.0" || b.address == "0.0.0.0");
}

} // namespace

Result<std::string> domain_name(const std::string& text) {
  auto name = mail::normalize_domain(text);
  if (!name) name.error().message = "is not a domain name: " + name.error().message;
  return name;
}

std::string normal_path(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

void check_places(Reader& read, const Node& table, const Config& config) {
  check_folder(read, table, "data_dir", config.server.data_directory);
  check_folder(read, table, "drop_dir", config.server.drop_directory);
  const Node* drop = table.find("drop_dir");
  if (!drop) return;
  if (is_within(config.server.data_directory, config.server.drop_directory))
    read.error(*drop, "drop_dir holds data_dir: everybody may put files into it, so it is a folder for nothing else, "
                      "such as data_dir/drop");
  const std::array<std::pair<std::string_view, const std::string*>, 2> files{
      {{"control_socket", &config.control_socket}, {"log_file", &config.log_file}}};
  for (const auto& [key, path] : files)
    if (is_within(*path, config.server.drop_directory))
      read.error(*drop, fmt::format("{} lies in drop_dir, where everybody may put files", key));
  for (const std::string& folder : config.backup_dirs)
    if (is_within(normal_path(folder), config.server.drop_directory))
      read.error(*drop, fmt::format("backup_dirs has \"{}\", which lies in drop_dir, where everybody may put files",
                                    printable(folder, 200)));
}

void check_hostname(Reader& read, const Node& table, const std::string& hostname) {
  const Node* node = table.find("hostname");
  const std::uint32_t line = node != nullptr ? node->line : 1;
  const bool address = net::is_ip_address(hostname);
  if (address && node)
    read.error(line, "hostname is an address: it must be the name that leads to this machine, such as mx.example.org");
  else if (node && hostname == "mx.example.org")
    read.warning(line, "hostname is the one of the sample: write the name of this machine");
  else if (hostname == "localhost" || hostname.ends_with(".localhost") || hostname == "localhost.localdomain" ||
           hostname.find('.') == std::string::npos)
    read.warning(line,
                 fmt::format("hostname is \"{}\"{}: other servers refuse mail from who does not give a whole name, "
                             "such as mx.example.org",
                             hostname, node ? "" : ", since the file has none and the machine is called so"));
}

void check_listener_address(Reader& read, const Node& table, ListenerConfig& listener, const Config& config) {
  for (const ListenerConfig& other : config.listeners)
    if (other.is_local() && other.address == listener.address)
      read.error(table, fmt::format("the address {} is used by another listener already", listener.address));
  const Node* node = table.find("address");
  if (!node || listener.address.empty() || listener.is_local()) return;
  const auto endpoint = net::parse_endpoint(listener.address);
  if (!endpoint || endpoint->is_local()) {
    const bool bare = listener.address.find_first_not_of("0123456789") == std::string::npos;
    const std::string port = bare ? listener.address : listener.address.substr(listener.address.rfind(':') + 1);
    const bool all = bare || listener.address.starts_with("*:");
    std::string what = endpoint ? "a local socket is written \"unix:/path\"" : endpoint.error().message;
    if (all) what += fmt::format("; for all addresses write \"[::]:{}\"", printable(port, 10));
    read.error(*node, "address = " + what);
    return;
  }
  for (const ListenerConfig& other : config.listeners) {
    const auto earlier = net::parse_endpoint(other.address);
    if (earlier && overlap(*earlier, *endpoint))
      read.error(*node, fmt::format("the address {} is used by another listener already: {}", listener.address,
                                    other.address));
  }
}

} // namespace paquebot::app
