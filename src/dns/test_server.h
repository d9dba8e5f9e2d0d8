#pragma once

// For tests only: a name server on a free UDP port of the loopback, in a thread of the test.

#include "net/socket_address.h"

#include <atomic>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace paquebot::dns::test {

/// What to say to a question. `data` is raw rdata of the type that was asked for.
struct Reply {
  int code = 0; ///< 0 no error, 2 SERVFAIL, 3 NXDOMAIN
  bool silent = false;
  bool truncated = false;
  std::uint32_t ttl = 60;
  std::vector<std::string> data;
};

/// A name in wire form.
inline std::string wire_name(const std::string& name) {
  std::string wire;
  for (std::size_t begin = 0; begin < name.size();) {
    const auto end = std::min(name.find('.', begin), name.size());
    wire += static_cast<char>(end - begin);
    wire += name.substr(begin, end - begin);
    begin = end + 1;
  }
  return wire + '\0';
}

inline std::string wire16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

class Server {
public:
  using Answerer = std::function<Reply(const std::string& name, unsigned type)>;

  explicit Server(Answerer answerer) : answerer_(std::move(answerer)) {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto address = net::to_socket_address({"127.0.0.1", 0}).value();
    if (::bind(socket_, address.raw(), address.size) != 0) throw std::runtime_error("bind");
    address.size = sizeof address.storage;
    getsockname(socket_, address.raw(), &address.size);
    own_ = net::from_socket_address(address);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stopping_ = true;
    const auto self = net::to_socket_address(own_).value();
    ::sendto(socket_, "", 0, 0, self.raw(), self.size); // wakes it
    thread_.join();
    ::close(socket_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string address() const { return own_.to_string(); }
  int questions() const { return questions_; }

private:
  void serve() {
    while (!stopping_) {
      char packet[4096];
      net::SocketAddress peer;
      peer.size = sizeof peer.storage;
      const auto size = ::recvfrom(socket_, packet, sizeof packet, 0, peer.raw(), &peer.size);
      if (size < 17) continue;
      const std::string reply = answer({packet, static_cast<std::size_t>(size)});
      if (!reply.empty()) ::sendto(socket_, reply.data(), reply.size(), 0, peer.raw(), peer.size);
    }
  }

  std::string answer(const std::string& query) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      const auto size = static_cast<std::size_t>(query[at]);
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, size);
      at += size + 1;
    }
    const unsigned type =
        static_cast<unsigned char>(query.at(at + 1)) * 256u + static_cast<unsigned char>(query.at(at + 2));
    ++questions_;
    const Reply reply = answerer_(name, type);
    if (reply.silent) return {};
    std::string packet = query.substr(0, 2) +
                         wire16(0x8480u | (reply.truncated ? 0x0200u : 0u) | static_cast<unsigned>(reply.code)) +
                         wire16(1) + wire16(static_cast<unsigned>(reply.data.size())) + wire16(0) + wire16(0) +
                         query.substr(12, at + 5 - 12);
    for (const auto& data : reply.data)
      packet += wire16(0xc00c) + wire16(type) + wire16(1) + wire16(reply.ttl >> 16) + wire16(reply.ttl & 0xffff) +
                wire16(static_cast<unsigned>(data.size())) + data;
    return packet;
  }

  Answerer answerer_;
  int socket_ = -1;
  net::Endpoint own_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> questions_ = 0;
};

} // namespace paquebot::dns::test
