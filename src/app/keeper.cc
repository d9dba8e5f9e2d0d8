#include "app/keeper.h"

#include "app/sandbox.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <map>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

constexpr std::uint32_t kMost = 64u << 20;

bool send_all(int socket, const void* data, std::size_t size) {
  auto bytes = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t done = ::send(socket, bytes, size, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool receive_all(int socket, void* data, std::size_t size) {
  auto bytes = static_cast<char*>(data);
  while (size > 0) {
    ssize_t done = ::recv(socket, bytes, size, 0);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool send_text(int socket, const std::string& text) {
  auto size = static_cast<std::uint32_t>(text.size());
  return send_all(socket, &size, sizeof size) && send_all(socket, text.data(), text.size());
}

bool receive_text(int socket, std::string& text) {
  std::uint32_t size;
  if (!receive_all(socket, &size, sizeof size) || size > kMost) return false;
  text.resize(size);
  return receive_all(socket, text.data(), size);
}

/// The keeper's whole life: for each request byte, the files that a load of the configuration reads, each with "+" and its bytes
/// or "-" and why not.
[[noreturn]] void keep(int socket, const std::string& config_path) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  for (int signal : {SIGHUP, SIGINT, SIGTERM}) ::signal(signal, signal == SIGTERM ? SIG_DFL : SIG_IGN);
  char request;
  while (receive_all(socket, &request, 1)) {
    std::map<std::string, std::string> seen;
    auto recording = [&](const std::string& path) {
      auto bytes = read_file(path);
      seen[path] = bytes ? "+" + *bytes : "-" + bytes.error().message;
      return bytes;
    };
    (void)load_config(config_path, recording); // its errors show again when the server parses the same bytes
    auto count = static_cast<std::uint32_t>(seen.size());
    bool sent = send_all(socket, &count, sizeof count);
    for (const auto& [path, bytes] : seen) sent = sent && send_text(socket, path) && send_text(socket, bytes);
    if (!sent) break;
  }
  ::_exit(0);
}

} // namespace

Result<std::unique_ptr<Keeper>> Keeper::start(const std::string& config_path, bool confined) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return fail(Errc::io, std::string("can't make a socket for the keeper: ") + std::strerror(errno));
  int pid = ::fork();
  if (pid < 0) return fail(Errc::io, std::string("can't start the keeper: ") + std::strerror(errno));
  if (pid == 0) {
    ::close(sockets[0]);
    if (confined) (void)confine_keeper(); // what is missing, the server says of itself
    keep(sockets[1], config_path);
  }
  ::close(sockets[1]);
  return std::unique_ptr<Keeper>(new Keeper(sockets[0], pid));
}

Keeper::~Keeper() {
  ::close(socket_); // it ends when it reads the end
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Config> Keeper::load(const std::string& config_path) {
  std::uint32_t count = 0;
  std::map<std::string, std::string> files;
  bool done = send_all(socket_, "R", 1) && receive_all(socket_, &count, sizeof count) && count < 10000;
  for (std::uint32_t i = 0; done && i < count; ++i) {
    std::string path, bytes;
    done = receive_text(socket_, path) && receive_text(socket_, bytes);
    files[path] = std::move(bytes);
  }
  if (!done)
    return fail(Errc::io, "the keeper process does not answer: restart the server to read the configuration again");
  return load_config(config_path, [&](const std::string& path) -> Result<std::string> {
    auto file = files.find(path);
    if (file == files.end()) return fail(Errc::not_found, "it changed while it was read");
    if (!file->second.starts_with('+')) return fail(Errc::not_found, file->second.substr(1));
    return file->second.substr(1);
  });
}

} // namespace paquebot::app
