#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace paquebot::bench {

/// Seconds since `start`.
inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A connected TCP socket to "127.0.0.1:port", without Nagle's delay. Throws std::runtime_error.
inline int connect_to(const std::string& where) {
  const auto colon = where.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(where.substr(colon + 1))));
  if (::inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error("not an address: " + where);
  }
  const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (file < 0 || ::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (file >= 0) ::close(file);
    throw std::runtime_error("connect " + where + ": " + std::strerror(errno));
  }
  return file;
}

/// A blocking connection that is read line by line, plain or under TLS. A peer that closes or stays silent for a minute
/// is a std::runtime_error.
class LineSocket {
public:
  explicit LineSocket(const std::string& where) : file_(connect_to(where)) {
    const timeval patience{60, 0};
    ::setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  LineSocket(const LineSocket&) = delete;
  LineSocket& operator=(const LineSocket&) = delete;
  ~LineSocket() {
    if (ssl_ != nullptr) {
      SSL_shutdown(ssl_);
      SSL_free(ssl_);
    }
    ::close(file_);
  }

  /// Starts TLS, resuming `session` when there is one. True when it was resumed.
  bool start_tls(SSL_CTX* context, SSL_SESSION* session) {
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, file_);
    if (session != nullptr) SSL_set_session(ssl_, session);
    if (SSL_connect(ssl_) != 1) throw std::runtime_error("TLS handshake failed");
    return SSL_session_reused(ssl_) == 1;
  }
  /// Stays this object's.
  int file() const { return file_; }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto done = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                        : ::send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (done <= 0) throw std::runtime_error("the peer takes no more");
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
  }

  /// The next line without its CRLF; valid until the next call.
  std::string_view line() {
    for (;;) {
      const auto end = buffer_.find('\n', at_);
      if (end != std::string::npos) {
        auto found = std::string_view(buffer_).substr(at_, end - at_);
        at_ = end + 1;
        if (found.ends_with('\r')) found.remove_suffix(1);
        return found;
      }
      fill();
    }
  }
  /// Octets taken from the peer so far.
  std::size_t received() const { return received_; }

private:
  void fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const auto old = buffer_.size();
    buffer_.resize(old + kPiece);
    const auto got =
        ssl_ != nullptr ? SSL_read(ssl_, buffer_.data() + old, kPiece) : ::recv(file_, buffer_.data() + old, kPiece, 0);
    buffer_.resize(old + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got <= 0) throw std::runtime_error("the peer closed or stayed silent");
    received_ += static_cast<std::size_t>(got);
  }

  static constexpr int kPiece = 64 << 10;
  int file_;
  SSL* ssl_ = nullptr;
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t received_ = 0;
};

} // namespace paquebot::bench
