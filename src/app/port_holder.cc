#include "app/port_holder.h"

#include "base/text.h"
#include "net/endpoint.h"
#include "net/listener.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <sstream>

namespace paquebot::app {
namespace {

constexpr std::uint16_t kFirstFree = 1024;

/// The inodes of sockets that listen on `port`, from one of the tables in /proc/net (proc(5)): the second column is the
/// local address and port in hexadecimal, the fourth the state, 0A for one that listens, the tenth the inode.
void find_inodes(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  std::ifstream in(table);
  const std::string wanted = fmt::format(":{:04X}", port);
  for (std::string line; std::getline(in, line);) {
    std::istringstream columns(line);
    std::string column[10];
    for (std::string& one : column) columns >> one;
    if (column[1].ends_with(wanted) && column[3] == "0A") inodes.insert(fmt::format("socket:[{}]", column[9]));
  }
}

/// Whether the process has one of the sockets open.
bool has_socket(const std::filesystem::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(process / "fd", error), end; !error && at != end; at.increment(error)) {
    std::error_code unreadable;
    if (inodes.contains(std::filesystem::read_symlink(at->path(), unreadable).string())) return true;
  }
  return false;
}

} // namespace

std::optional<PortHolder> holder_of(std::uint16_t port) {
  std::set<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) find_inodes(table, port, inodes);
  if (inodes.empty()) return std::nullopt;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = parse_u64(at->path().filename().string());
    if (!pid || !has_socket(at->path(), inodes)) continue;
    std::ifstream in(at->path() / "comm");
    std::string name;
    std::getline(in, name);
    return PortHolder{name.empty() ? "a process" : printable(name, 64), static_cast<int>(*pid)};
  }
  return std::nullopt;
}

Error explain_listen_error(const std::string& address, const Error& error) {
  const auto endpoint = net::parse_endpoint(address);
  if (!endpoint || endpoint->is_local()) return error;
  Error explained = error;
  if (error.code == Errc::conflict) {
    const auto holder = holder_of(endpoint->port);
    explained.message +=
        holder ? fmt::format(": {} (process {}) has this port: stop it", holder->name, holder->pid)
               : fmt::format(": another program has this port: stop it (sudo ss -ltnp 'sport = :{}' names it)",
                             endpoint->port);
    explained.message += ", or give this listener another address";
  }
  if (error.code == Errc::permission && endpoint->port < kFirstFree)
    explained.message += fmt::format(": ports below {} are for root: start the server as root (it becomes server.user "
                                     "then), or with the right CAP_NET_BIND_SERVICE, or take a higher port",
                                     kFirstFree);
  return explained;
}

Result<> try_listening(const std::string& address) {
  const auto endpoint = net::parse_endpoint(address);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->is_local()) return {};
  const auto opened = net::Listener::open(address);
  if (!opened) return std::unexpected(explain_listen_error(address, opened.error()));
  return {};
}

} // namespace paquebot::app
