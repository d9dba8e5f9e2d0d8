#include "cli/transport.h"
#include "http/client_session.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

/// Longer than any action takes; a server that stands still must not hold a script for ever.
constexpr timeval kPatience{120, 0};
constexpr std::size_t kMaxResponse = 256u << 20;

class SocketTransport final : public Transport {
public:
  explicit SocketTransport(int descriptor) : descriptor_(descriptor) {}
  ~SocketTransport() override { ::close(descriptor_); }
  SocketTransport(const SocketTransport&) = delete;
  SocketTransport& operator=(const SocketTransport&) = delete;

  bool live() const override { return true; }

  Result<control::Response> call(std::string_view method, std::string_view target, std::string_view body) override {
    http::Call call;
    call.method = method;
    call.host = "localhost";
    call.target = target;
    if (!body.empty()) call.fields.push_back({"Content-Type", "application/json"});
    call.content = body;
    if (auto begun = engine_.call(std::move(call)); !begun) {
      if (begun.error().code == Errc::conflict) return broken("it has ended this connection");
      return std::unexpected(begun.error());
    }
    for (;;) {
      const http::ClientAction action = engine_.next();
      if (const auto* send = std::get_if<http::Send>(&action)) {
        if (auto sent = send_all(send->bytes); !sent) return std::unexpected(sent.error());
      } else if (const auto* answered = std::get_if<http::Answered>(&action)) {
        return control::Response{answered->answer->status, answered->answer->content};
      } else if (const auto* failed = std::get_if<http::Failed>(&action)) {
        if (failed->error.code == Errc::closed) return broken("it closed the connection");
        return fail(Errc::io, "the server's answer can't be read: " + failed->error.message);
      } else if (auto heard = receive(); !heard) {
        return std::unexpected(heard.error());
      }
    }
  }

private:
  static std::unexpected<Error> broken(const std::string& why) {
    return fail(Errc::closed, "the server does not answer on its control socket: " + why);
  }

  Result<> receive() {
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return broken(std::strerror(errno));
      if (got == 0)
        engine_.eof();
      else
        engine_.feed({buffer.data(), static_cast<std::size_t>(got)});
      return {};
    }
  }

  static std::shared_ptr<const http::ClientOptions> bounds() {
    auto options = std::make_shared<http::ClientOptions>();
    options->max_content = kMaxResponse;
    return options;
  }

  Result<> send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return broken(std::strerror(errno));
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return {};
  }

  int descriptor_;
  http::ClientSession engine_{bounds()};
};

std::unexpected<Error> connect_error(int number, const std::string& path) {
  if (number == ENOENT || number == ECONNREFUSED)
    return fail(Errc::not_found, "the server does not run (" + path + ")");
  if (number == EACCES || number == EPERM) {
    return fail(Errc::permission,
                "you may not speak to the server on " + path + ": only root and the server's own user may (try sudo)");
  }
  return fail(Errc::closed, "can't connect to the server on " + path + ": " + std::strerror(number));
}

} // namespace

Result<std::unique_ptr<Transport>> connect_transport(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) {
    return fail(Errc::invalid, "the path of the control socket is too long: " + socket_path);
  }
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(Errc::io, std::string("no socket: ") + std::strerror(errno));
  auto transport = std::make_unique<SocketTransport>(descriptor);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return connect_error(errno, socket_path);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  return transport;
}

Result<std::unique_ptr<Transport>> open_transport(const ServerPlace& place, bool changes) {
  auto connected = connect_transport(place.control_socket);
  if (connected || connected.error().code != Errc::not_found) return connected;
  const std::string file = place.data_dir + "/paquebot.db";
  std::error_code unknown;
  if (!changes && place.database.empty() && !std::filesystem::exists(file, unknown) && !unknown)
    return fail(Errc::not_found,
                "there is no store in " + place.data_dir + ": no " + file +
                    "; if that is the right folder, the first start of the server or `paquebot domain add` makes it");
  return local_transport(place);
}

} // namespace paquebot::cli
