#include "pop3/listing.h"

#include "base/text.h"

namespace paquebot::pop3 {
namespace {

constexpr std::size_t kMaxCapabilities = 1000; // lines of a CAPA reply
constexpr std::size_t kMaxUidl = 255;          // octets; RFC 1939 section 7 allows 70, some servers more

/// The first two words of a listing's line.
struct Row {
  std::string_view number, value;
};
Row read_row(std::string_view line) {
  std::size_t gap = line.find(' ');
  if (gap == std::string_view::npos) return {line, {}};
  std::string_view value = trim(line.substr(gap + 1));
  return {line.substr(0, gap), value.substr(0, value.find(' '))};
}

} // namespace

bool Capabilities::line(std::string_view text) {
  if (++lines > kMaxCapabilities) return false;
  if (iequals(text, "STLS")) stls = true;
  if (iequals(text, "PIPELINING")) pipelining = true;
  if (iequals(text, "UTF8") || istarts_with(text, "UTF8 ")) utf8 = true;
  if (iequals(text, "UTF8 USER")) utf8_user = true;
  if (!istarts_with(text, "SASL ")) return true;
  for (std::string_view name : split(text.substr(5), ' ')) {
    if (!name.empty() && sasl.size() < kMaxCapabilities) sasl.emplace_back(name);
  }
  return true;
}

void Listing::clear() {
  items_.clear();
  named_ = 0;
}

bool Listing::size_row(std::string_view text) {
  const Row row = read_row(text);
  const auto number = parse_u64(row.number);
  const auto size = parse_u64(row.value);
  if (!number || !size || *number > 0xffffffffU || *number <= (items_.empty() ? 0 : items_.back().number)) return false;
  items_.push_back({static_cast<std::uint32_t>(*number), *size, {}});
  named_ = 0;
  return true;
}

bool Listing::name_row(std::string_view text) {
  const Row row = read_row(text);
  const auto number = parse_u64(row.number);
  if (!number || row.value.empty() || row.value.size() > kMaxUidl) return false;
  while (named_ < items_.size() && items_[named_].number < *number) ++named_;
  if (named_ < items_.size() && items_[named_].number == *number) items_[named_].uidl = row.value;
  return true;
}

} // namespace paquebot::pop3
