#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/books.h"

#include <atomic>
#include <chrono>
#include <string>

namespace paquebot::directory {

/// Whether an account logged in from more networks within the last hour than one person has: a few are usual, a stolen
/// password has many. The store counts them, of all nodes. Thread-safe.
class NetworkWatch {
public:
  /// `books` must outlive it.
  explicit NetworkWatch(store::Books& books) : books_(books) {}

  /// More networks than `most` within an hour are too many; 0: none ever are.
  void configure(unsigned most) { most_ = most; }
  /// A login that succeeded. Gives the number of networks when that are too many, else 0. `address` is text: IPv4
  /// counts by 24 bits, IPv6 by 48 (RFC 6177: what a site usually has); what is no address is one network.
  Task<Result<unsigned>> note(store::Id account, std::string address);

private:
  store::Books& books_;
  std::atomic<unsigned> most_ = 0;
};

inline constexpr std::chrono::hours kNetworksWithin{1};

} // namespace paquebot::directory
