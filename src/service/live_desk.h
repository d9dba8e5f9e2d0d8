#pragma once

#include "control/live.h"
#include "service/assembly.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace paquebot::service {

/// The open connections of both directions, for whoever looks after the server. Those that clients opened have even
/// numbers, those that we opened odd ones. Thread-safe.
class LiveDesk {
public:
  /// `parts` must outlive it, and what it was asked for.
  explicit LiveDesk(Assembly& parts) : parts_(parts) {}

  /// What it does of control::LiveHooks; they keep it.
  static void add_to(control::LiveHooks& hooks, std::shared_ptr<LiveDesk> desk);

private:
  Task<std::vector<control::LiveConnection>> look(std::optional<bool> out, std::uint64_t after, std::size_t most);
  Task<std::optional<control::LiveTranscript>> watch(std::uint64_t id);
  Task<bool> end(std::uint64_t id);
  Task<std::vector<control::LiveConnection>> look_out(std::uint64_t after, std::size_t most);
  std::shared_ptr<net::Transcript> transcript_for(std::uint64_t id);

  Assembly& parts_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<net::Transcript>> watched_; ///< bounded
};

} // namespace paquebot::service
