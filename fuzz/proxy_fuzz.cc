// The PROXY header in front of a connection. The first octet chooses how large the pieces are in which the rest comes.

#include "net/network.h"
#include "net/proxy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace paquebot;

namespace {

/// What the reader makes of a stream: how much it took, and whether that was a header.
struct Outcome {
  bool valid = false, done = false, proxied = false;
  std::size_t taken = 0;
  std::string source;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view stream, std::size_t piece) {
  net::ProxyReader reader;
  Outcome outcome{.valid = true};
  while (!reader.done() && outcome.taken < stream.size()) {
    if (reader.wants() == 0 || reader.wants() > net::ProxyReader::kMost) std::abort();
    const auto octets = stream.substr(outcome.taken, std::min(reader.wants(), piece));
    outcome.taken += octets.size();
    if (outcome.taken > net::ProxyReader::kMost) std::abort();
    if (!reader.feed(octets)) return {};
  }
  outcome.done = reader.done();
  if (!outcome.done) return outcome;
  outcome.proxied = reader.header().proxied;
  outcome.source = reader.header().source.to_string();
  if (outcome.proxied && !net::is_ip_address(reader.header().source.address)) std::abort();
  return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const std::size_t piece = 1 + bytes[0] % 64;
  // How the header is cut decides nothing but how early junk is noticed.
  if (read(stream, piece) != read(stream, stream.size() + 1)) {
    const Outcome cut = read(stream, piece), whole = read(stream, stream.size() + 1);
    if (cut.valid && whole.valid) std::abort();
    if (cut.done || whole.done) std::abort();
  }
  return 0;
}
