#pragma once

#include <cstdint>
#include <map>

namespace paquebot::delivery {

class Peer;

/// The connections that we have opened to other servers, for whoever looks at them. Use from their executor.
class LivePeers {
public:
  struct Entry {
    Peer* peer;
    std::int64_t since; ///< ms since 1970
  };
  /// Gives its number: from 1, never used twice.
  std::uint64_t enter(Peer& peer, std::int64_t now) {
    all_.emplace(++last_, Entry{&peer, now});
    return last_;
  }
  void leave(std::uint64_t number) { all_.erase(number); }
  const std::map<std::uint64_t, Entry>& all() const { return all_; }

private:
  std::map<std::uint64_t, Entry> all_;
  std::uint64_t last_ = 0;
};

} // namespace paquebot::delivery
