#include "app/keeper.h"

#include "app/keeper_process.h"
#include "app/sandbox.h"

#include <cerrno>
#include <cstring>
#include <map>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

using Clock = std::chrono::steady_clock;

/// Longer than the keeper itself waits: it can say which file it is.
constexpr std::chrono::seconds kGrace{5};
/// For its end: it has nothing to do but to stop.
constexpr int kEndMilliseconds = 2000;

std::unexpected<Error> gone() {
  return fail(Errc::closed, "the keeper process does not answer: restart the server to read the configuration again");
}

} // namespace

Result<std::unique_ptr<Keeper>> Keeper::start(const std::string& config_path, KeeperOptions options) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return fail(Errc::io, std::string("can't make a socket for the keeper: ") + std::strerror(errno));
  const int pid = ::fork();
  if (pid < 0) return fail(Errc::io, std::string("can't start the keeper: ") + std::strerror(errno));
  if (pid == 0) {
    // Nothing else of the server's: what it listens on must not stay open here.
    ::close_range(3, static_cast<unsigned>(sockets[1]) - 1, 0);
    ::close_range(static_cast<unsigned>(sockets[1]) + 1, ~0U, 0);
    if (options.confined) (void)confine_keeper(); // what is missing, the server says of itself
    keep(sockets[1], config_path, options);
  }
  ::close(sockets[1]);
  return std::unique_ptr<Keeper>(new Keeper(sockets[0], pid, options.patience));
}

Keeper::~Keeper() {
  socket_ = Descriptor(); // it ends when it reads the end
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  if (process) ::poll(&ended, 1, kEndMilliseconds);
  ::waitpid(pid_, nullptr, WNOHANG);
}

void Keeper::give_up() { ::shutdown(socket_.get(), SHUT_RDWR); }

Result<> Keeper::receive(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd watched{socket_.get(), POLLIN, 0};
  const int ready = left > 0 ? ::poll(&watched, 1, static_cast<int>(left)) : 0;
  if (ready < 0 && errno == EINTR) return {};
  if (ready == 0) return fail(Errc::timeout, "the keeper process does not answer in time: nothing was changed");
  char buffer[65536];
  const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (got <= 0 || incoming_.size() > kMostAnswer) return gone();
  incoming_.append(buffer, static_cast<std::size_t>(got));
  return {};
}

Result<std::string> Keeper::ask(char what) {
  std::string request;
  put_number(request, ++asked_);
  request += what;
  if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return gone();
  const auto until = Clock::now() + patience_ + kGrace;
  for (;;) {
    std::string_view rest = incoming_;
    const auto number = take_number(rest);
    if (const auto text = number ? take_text(rest) : std::nullopt; text) {
      incoming_.erase(0, incoming_.size() - rest.size());
      if (*number == asked_) return *text;
      continue; // late, and nobody's
    }
    if (auto more = receive(until); !more) return std::unexpected(more.error());
  }
}

Result<std::string> Keeper::fingerprint() {
  const auto answer = ask(kFingerprint);
  if (!answer) return answer;
  std::string_view rest = *answer;
  const auto problem = take_text(rest), text = take_text(rest);
  if (!problem) return gone();
  if (!problem->empty()) return fail(Errc::timeout, *problem);
  return text ? Result<std::string>(*text) : gone();
}

Result<Config> Keeper::load(const std::string& config_path) {
  const auto answer = ask(kReadAll);
  if (!answer) return std::unexpected(answer.error());
  std::string_view rest = *answer;
  const auto problem = take_text(rest);
  if (!problem) return gone();
  if (!problem->empty()) return fail(Errc::timeout, *problem);
  std::map<std::string, std::string> files;
  while (!rest.empty()) {
    const auto path = take_text(rest), bytes = take_text(rest);
    if (!path || !bytes || bytes->empty()) return gone();
    files[*path] = *bytes;
  }
  return load_config(config_path, [&](const std::string& path) -> Result<std::string> {
    const auto file = files.find(path);
    if (file == files.end()) return fail(Errc::not_found, "it changed while it was read");
    if (!file->second.starts_with('+')) return fail(Errc::not_found, file->second.substr(1));
    return file->second.substr(1);
  });
}

} // namespace paquebot::app
