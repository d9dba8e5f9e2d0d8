#include "app/config_reader.h"

#include "base/units.h"

#include <algorithm>

namespace paquebot::app {
namespace {

/// Edit distance of two short names.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)});
      corner = above;
    }
  }
  return row[b.size()];
}

} // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto seconds = parse_seconds(text);
  if (!seconds || *seconds > 10LL * 365 * 86400) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::optional<std::uint64_t> parse_size(std::string_view text) { return parse_octets(text); }

std::string nearest(std::string_view name, const std::vector<std::string_view>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (std::string_view candidate : known)
    if (std::size_t d = distance(name, candidate); d < least) {
      least = d;
      best = std::string(candidate);
    }
  return best;
}

} // namespace paquebot::app
