#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace paquebot::directory {

/// Remembers what was read from the store for as long as the directory does not change: every call names the
/// generation that the caller read before it asked the store, and a newer one forgets everything. At most
/// 2 * `half` values: when the young half is full it becomes the old one, and the old one goes; what is used moves to
/// the young half again. Thread-safe.
template <class Value>
class GenerationCache {
public:
  explicit GenerationCache(std::size_t half) : half_(half) {}

  std::optional<Value> get(std::uint64_t generation, const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (!follow(generation)) return {};
    if (const auto it = young_.find(key); it != young_.end()) return it->second;
    const auto it = old_.find(key);
    if (it == old_.end()) return {};
    Value value = std::move(it->second);
    old_.erase(it);
    insert(key, value);
    return value;
  }

  void put(std::uint64_t generation, const std::string& key, Value value) {
    const std::lock_guard lock(mutex_);
    if (follow(generation)) insert(key, std::move(value));
  }

  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return young_.size() + old_.size();
  }

private:
  using Map = std::unordered_map<std::string, Value>;

  /// False when `generation` is older than what others have seen already.
  bool follow(std::uint64_t generation) {
    if (generation < generation_) return false;
    if (generation > generation_) {
      generation_ = generation;
      young_.clear();
      old_.clear();
    }
    return true;
  }

  void insert(const std::string& key, Value value) {
    if (young_.size() >= half_) old_ = std::exchange(young_, {});
    young_.insert_or_assign(key, std::move(value));
  }

  std::size_t half_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  Map young_;
  Map old_;
};

} // namespace paquebot::directory
