#pragma once

#include "base/task.h"
#include "mailauth/ip.h"

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>

namespace paquebot::intake {

/// How many questions to the DNS the mail of one client, and of one network, may have under way, so that what it names
/// does not use up the places of all others, however many messages it brings. Those behind the bound wait for their
/// turn. Thread-safe.
class Shares {
public:
  /// Answers that are to be had come within some ten milliseconds: thousands a second.
  static constexpr std::size_t kEach = 30; ///< of a client
  static constexpr std::size_t kOfNetwork =
      200; ///< of all clients of a network: one of them leaves its neighbours theirs

  /// IPv4 address, IPv6 /64.
  static std::string client_of(const mailauth::Ip& client);
  /// IPv4 /24, IPv6 /48.
  static std::string network_of(const mailauth::Ip& client);
  /// Places beside those of `whose`, as many more, for what decides everything.
  static std::string reserve_of(const std::string& whose) { return 'r' + whose; }

  /// A place, given back when this goes. Must not outlive the Shares.
  class Place {
  public:
    Place(Shares& shares, std::string network) : shares_(shares), network_(std::move(network)) {}
    ~Place() { shares_.leave(network_); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

  private:
    Shares& shares_;
    std::string network_;
  };
  /// `whose`: client_of() or network_of(). True: there is a place below `most` now, make the Place. False: wait for
  /// `turn`, and make it then.
  bool enter(const std::string& whose, std::size_t most, const OneShot& turn);
  /// The same for who does not wait: false, and there is no place.
  bool enter(const std::string& whose, std::size_t most);

private:
  void leave(const std::string& network);

  struct Share {
    std::size_t used = 0;
    std::deque<OneShot> line;
  };
  std::mutex mutex_;
  std::map<std::string, Share> networks_; ///< those that use some
};

} // namespace paquebot::intake
