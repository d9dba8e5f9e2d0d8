#pragma once

#include "base/task.h"
#include "queue/core.h"
#include "queue/posts.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::queue {

/// Gives workers their jobs, out of the windows, and fills those from the store by claims. A claim also tells how the
/// destination fares: another node may have been there, or this one before it began anew. Thread-safe. The calls are
/// those of Queue.
class Supply {
public:
  explicit Supply(Core& core) : core_(core) {}

  Task<std::optional<Job>> take(std::string key);
  Task<std::optional<Job>> next(Post& post);
  Task<std::vector<Job>> take_expired(std::string key);
  std::vector<Job> take_window(const std::string& key);
  void put_back(const std::string& key, Job job);
  void release_worker(const std::string& key);

private:
  /// A claim that ends without its result leaves the destination as if the store had failed.
  class Claiming;
  Task<void> claim(std::string key);
  std::optional<store::Id> full_lane(const std::string& site, unsigned per_site) const;
  void take_up(Post& post, const Job& job);
  bool may_claim(const Destination& place, std::int64_t at) const;
  std::size_t room_for_ready() const;
  bool lacks(const Destination& place) const;
  bool begin_claim(Destination& place, std::int64_t at);

  Core& core_;
};

} // namespace paquebot::queue
