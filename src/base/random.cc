#include "base/random.h"

#include "base/simulation.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/random.h>

namespace paquebot {
namespace {

/// The next number of a simulation (the sequence is SplitMix64's).
std::uint64_t draw(Simulated& simulation) {
  std::uint64_t z = simulation.state += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

} // namespace

std::string random_bytes(std::size_t size) {
  std::string out(size, '\0');
  if (simulated().clock != nullptr) {
    std::ranges::generate(out, [] { return static_cast<char>(draw(simulated())); });
    return out;
  }
  // getentropy gives at most 256 octets a call, whole or not at all.
  for (std::size_t at = 0; at < size; at += 256) {
    if (getentropy(out.data() + at, std::min<std::size_t>(256, size - at)) != 0) {
      std::perror("paquebot: no random bytes from the operating system");
      std::abort();
    }
  }
  return out;
}

} // namespace paquebot
