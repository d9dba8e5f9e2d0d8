#include "app/config_reader.h"

#include "base/text.h"

#include <algorithm>
#include <limits>

namespace paquebot::app {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::initializer_list<Unit> units) {
  text = trim(text);
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  auto number = parse_u64(text.substr(0, digits));
  std::string_view unit = trim(text.substr(digits));
  if (!number) return std::nullopt;
  for (const Unit& one : units)
    if (iequals(one.name, unit)) {
      if (*number > std::numeric_limits<std::int64_t>::max() / one.factor) return std::nullopt;
      return *number * one.factor;
    }
  return std::nullopt;
}

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
  auto seconds = parse_with_unit(text, {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}});
  if (!seconds || *seconds > 10ull * 365 * 86400) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(*seconds));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::uint64_t k = 1024;
  return parse_with_unit(
      text,
      {{"", 1}, {"B", 1}, {"K", k}, {"KiB", k}, {"M", k * k}, {"MiB", k * k}, {"G", k * k * k}, {"GiB", k * k * k}});
}

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
