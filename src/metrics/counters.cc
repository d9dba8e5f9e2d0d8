#include "metrics/counters.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <mutex>
#include <vector>

namespace paquebot::metrics {
namespace {

/// Written by one thread, read by whoever collects.
struct Block {
  std::array<std::atomic<std::uint64_t>, kSlots> places{};
};

struct Blocks {
  std::mutex mutex;
  std::vector<const Block*> alive;
  std::array<std::uint64_t, kSlots> ended{}; ///< of threads that are no more
};

/// Never destroyed: threads may end after everything else.
Blocks& blocks() {
  static Blocks& all = *new Blocks;
  return all;
}

class OwnBlock {
public:
  OwnBlock() {
    Blocks& all = blocks();
    const std::scoped_lock lock(all.mutex);
    all.alive.push_back(&block_);
  }
  ~OwnBlock() {
    Blocks& all = blocks();
    const std::scoped_lock lock(all.mutex);
    for (std::size_t i = 0; i < kSlots; ++i) all.ended[i] += block_.places[i].load(std::memory_order_relaxed);
    std::erase(all.alive, &block_);
  }
  OwnBlock(const OwnBlock&) = delete;
  OwnBlock& operator=(const OwnBlock&) = delete;
  Block& get() { return block_; }

private:
  Block block_;
};

} // namespace

void add_to(std::size_t slot, std::uint64_t count) {
  assert(slot < kSlots);
  thread_local OwnBlock mine;
  auto& place = mine.get().places[slot];
  place.store(place.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

std::uint64_t total_of(std::size_t slot) {
  assert(slot < kSlots);
  Blocks& all = blocks();
  const std::scoped_lock lock(all.mutex);
  std::uint64_t total = all.ended[slot];
  for (const Block* one : all.alive) total += one->places[slot].load(std::memory_order_relaxed);
  return total;
}

} // namespace paquebot::metrics
