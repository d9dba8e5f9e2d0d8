#include "app/processors.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

namespace paquebot::app {
namespace {

// Of the container, seen from inside:
constexpr const char* kQuota = "/sys/fs/cgroup/cpu.max";
constexpr const char* kMemory = "/sys/fs/cgroup/memory.max"; // octets, or "max"

unsigned bound_to() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return std::thread::hardware_concurrency(); // more than 1024 processors
  return static_cast<unsigned>(CPU_COUNT(&set));
}

} // namespace

std::optional<unsigned> quota_of(std::string_view cpu_max) {
  std::uint64_t quota = 0;
  std::uint64_t period = 0;
  const char* end = cpu_max.data() + cpu_max.size();
  const auto first = std::from_chars(cpu_max.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return {};
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || period == 0 || quota == 0) return {};
  const std::uint64_t whole = quota / period + (quota % period != 0 ? 1 : 0);
  return static_cast<unsigned>(std::min<std::uint64_t>(whole, 1u << 16));
}

unsigned usable_processors() {
  unsigned count = std::max(1u, bound_to());
  std::ifstream file(kQuota);
  std::string line;
  if (!std::getline(file, line)) return count;
  if (const auto quota = quota_of(line)) count = std::min(count, *quota);
  return count;
}

unsigned default_session_threads(unsigned processors) { return std::clamp(processors, 2u, 257u) - 1; }

std::uint64_t usable_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  std::uint64_t octets =
      pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
  std::ifstream file(kMemory);
  if (std::uint64_t most = 0; file >> most && most > 0) octets = octets == 0 ? most : std::min(octets, most);
  return octets;
}

unsigned default_deliveries(std::uint64_t memory) {
  return static_cast<unsigned>(std::clamp<std::uint64_t>(memory >> 20, 1000, 4000));
}

std::uint64_t default_message_memory(std::uint64_t memory) {
  return std::clamp<std::uint64_t>(memory / 8, 64u << 20, 1u << 30);
}

} // namespace paquebot::app
