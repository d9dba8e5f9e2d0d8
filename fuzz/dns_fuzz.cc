// The decoder of resource records' data. The first two octets choose the type, the rest is the data.

#include "dns/wire.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace paquebot;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const auto type = static_cast<dns::Type>(bytes[0] << 8 | bytes[1]);
  const std::string_view data(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  const auto record = dns::parse_rdata(type, data);
  if (!record) return 0;
  const bool host =
      type == dns::Type::mx || type == dns::Type::cname || type == dns::Type::ptr || type == dns::Type::srv;
  // A host can be asked for in turn, but for the root. Nothing grows beyond what came in, but for written addresses,
  // and the flags of CAA, an octet that is written as a number.
  if (host && !record->text.empty() && !dns::is_query_name(record->text)) std::abort();
  if (type != dns::Type::a && type != dns::Type::aaaa &&
      record->text.size() > data.size() + (type == dns::kCaa ? 3 : 0))
    std::abort();
  return 0;
}
