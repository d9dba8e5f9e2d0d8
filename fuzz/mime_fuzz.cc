// A message converted to 7 bits is 7-bit, the same however it was cut, and stays the same when converted again. What
// was binary becomes clean lines.

#include "base/text.h"
#include "mail/convert.h"
#include "mail/head.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

using namespace paquebot;
using namespace paquebot::mail;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

std::optional<std::string> convert(std::string_view message, std::size_t step, Conversion how = {}) {
  HeadSplitter splitter;
  const auto first = splitter.feed(message);
  if (!first) return {};
  std::string body(*first);
  body += splitter.finish().value();
  MessageConverter converter(how);
  std::string out;
  if (!converter.start(splitter.head(), out)) return {};
  for (std::string_view rest = body; !rest.empty(); rest.remove_prefix(std::min(step, rest.size()))) {
    if (!converter.feed(rest.substr(0, step), out)) return {};
  }
  if (!converter.finish(out)) return {};
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Conversion from_binary{.from_binary = true, .to_eight_bit = size % 2 == 0};
  const auto lines = convert(input, size + 1, from_binary);
  check(convert(input, size % 7 + 1, from_binary) == lines);
  if (lines) {
    ContentScan scan;
    scan.feed(*lines);
    scan.finish();
    check(!scan.has_nul && !scan.bare_cr && !scan.bare_lf && (from_binary.to_eight_bit || !scan.has_8bit));
    check(convert(*lines, 4096, from_binary) == lines);
  }

  const auto whole = convert(input, size + 1);
  check(convert(input, size % 11 + 1) == whole);
  if (!whole) return 0;
  check(is_ascii(*whole));
  check(convert(*whole, 4096) == whole);

  std::string encoded;
  QuotedPrintableEncoder encoder;
  std::string binary(input);
  std::erase_if(binary, [](char c) { return c == '\r' || c == '\n'; });
  encoder.feed(binary, encoded);
  encoder.finish(encoded);
  check(quoted_printable_decode(encoded) == binary);
  quoted_printable_decode(input);
  return 0;
}
