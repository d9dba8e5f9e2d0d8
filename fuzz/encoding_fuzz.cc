// What base 64 and xtext decode, they encode again to the same text, and what they encode they decode to the same
// bytes.

#include "base/encoding.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (base64_decode(base64_encode(input)) != input) std::abort();
  if (xtext_decode(xtext_encode(input)) != input) std::abort();
  if (const auto bytes = base64_decode(input); bytes && base64_encode(*bytes).size() != input.size()) std::abort();
  if (const auto bytes = xtext_decode(input); bytes && bytes->size() > input.size()) std::abort();
  return 0;
}
