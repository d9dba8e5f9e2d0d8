// What can be told of a configuration without looking at the machine.
#include "app/config_filters.h"
#include "app/toml_reader.h"
#include "net/endpoint.h"

#include <array>
#include <filesystem>

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

/// One path may be written in many ways: here it gets its shortest. "" when it is none.
std::string normal_path(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

void check_folder(Reader& read, const toml::table& t, std::string_view key, const std::string& folder) {
  if (std::ranges::find(kSystemFolders, folder) == kSystemFolders.end() || !t.get(key)) return;
  read.error(*t.get(key), fmt::format("{} = \"{}\" is a folder of the system: name one that is only for this, such as "
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

void read_place(Reader& read, const toml::table& t, std::string_view key, std::string& path) {
  read.path(t, key, path);
  if (path.starts_with('/')) path = normal_path(path);
}

void check_places(Reader& read, const toml::table& t, const Config& config) {
  check_folder(read, t, "data_dir", config.data_dir);
  check_folder(read, t, "drop_dir", config.drop_dir);
  const toml::node* drop = t.get("drop_dir");
  if (!drop) return;
  if (is_within(config.data_dir, config.drop_dir))
    read.error(*drop, "drop_dir holds data_dir: everybody may put files into it, so it is a folder for nothing else, "
                      "such as data_dir/drop");
  const std::array<std::pair<std::string_view, const std::string*>, 2> files{
      {{"control_socket", &config.control_socket}, {"log_file", &config.log_file}}};
  for (const auto& [key, path] : files)
    if (is_within(*path, config.drop_dir))
      read.error(*drop, fmt::format("{} lies in drop_dir, where everybody may put files", key));
  for (const std::string& folder : config.backup_dirs)
    if (is_within(normal_path(folder), config.drop_dir))
      read.error(*drop, fmt::format("backup_dirs has \"{}\", which lies in drop_dir, where everybody may put files",
                                    printable(folder, 200)));
}

void check_hostname(Reader& read, const toml::table& t, const std::string& hostname) {
  const toml::node* node = t.get("hostname");
  const std::uint32_t line = node ? node->source().begin.line : 1;
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

void check_listener_address(Reader& read, const toml::table& t, const ListenerConfig& listener,
                            const std::vector<ListenerConfig>& before) {
  const toml::node* node = t.get("address");
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
  for (const ListenerConfig& other : before) {
    const auto earlier = net::parse_endpoint(other.address);
    if (earlier && overlap(*earlier, *endpoint))
      read.error(*node, fmt::format("the address {} is used by another listener already: {}", listener.address,
                                    other.address));
  }
}

void check_route_password(Reader& read, const toml::table& t, const queue::Route& route) {
  if (route.user.empty() || route.host.starts_with('/')) return; // a local socket
  const bool checked =
      route.verify && (route.tls == queue::RouteTls::required || route.tls == queue::RouteTls::implicit);
  if (checked) return;
  read.warning(
      t.get("user")->source().begin.line,
      "the host of this [[route]] is not known by its certificate: whoever sits in between can have it give away the "
      "password; use tls = \"required\" or \"implicit\", and ca_file where its certificate is its own");
}

void check_route_port(Reader& read, const toml::table& t, const queue::Route& route) {
  if (route.port == 587 && !route.lmtp && route.tls == queue::RouteTls::implicit && t.get("host"))
    read.warning(t.get("host")->source().begin.line,
                 "port 587 begins in the clear nearly everywhere: TLS from the first byte is on port 465");
  if (route.port != 465 || route.lmtp || route.tls == queue::RouteTls::implicit) return;
  read.error(*t.get("host"),
             "port 465 speaks TLS from the first byte: add tls = \"implicit\" to this [[route]], or use "
             "port 587");
}

} // namespace paquebot::app
