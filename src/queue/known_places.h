#pragma once

#include <string>
#include <unordered_set>

namespace paquebot::queue {

/// Destinations that answered lately, in memory: the last ones, at least `most` and at most twice as many. Guard it by
/// a lock.
class KnownPlaces {
public:
  explicit KnownPlaces(std::size_t most = 20'000) : most_(most) {}

  bool contains(const std::string& key) const { return fresh_.contains(key) || old_.contains(key); }
  /// True when that is news.
  bool add(const std::string& key) {
    const bool news = !contains(key);
    if (fresh_.insert(key).second && fresh_.size() >= most_) {
      old_.swap(fresh_);
      fresh_.clear();
    }
    return news;
  }
  void remove(const std::string& key) {
    fresh_.erase(key);
    old_.erase(key);
  }
  std::size_t size() const { return fresh_.size() + old_.size(); }

private:
  std::size_t most_;
  std::unordered_set<std::string> fresh_, old_;
};

} // namespace paquebot::queue
