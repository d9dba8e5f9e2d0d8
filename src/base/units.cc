#include "base/units.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace paquebot {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t octets;
};
constexpr std::array<SizeUnit, 4> kSizeUnits{
    {{"TiB", 1ULL << 40U}, {"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}}};

struct TimeUnit {
  std::string_view name;
  std::int64_t seconds;
};
constexpr std::array<TimeUnit, 10> kTimeUnits{{{"", 1},
                                               {"s", 1},
                                               {"m", 60},
                                               {"min", 60},
                                               {"h", 3600},
                                               {"hour", 3600},
                                               {"hours", 3600},
                                               {"d", 86400},
                                               {"day", 86400},
                                               {"days", 86400}}};

/// A number and what is behind it, blanks taken off.
std::pair<std::string_view, std::string_view> part(std::string_view text) {
  text = trim(text);
  const auto end = std::ranges::find_if(text, [](char c) { return (c < '0' || c > '9') && c != '.'; });
  const auto digits = static_cast<std::size_t>(end - text.begin());
  return {text.substr(0, digits), trim(text.substr(digits))};
}

/// "M", "MB" and "MiB" are one.
bool names(std::string_view written, const SizeUnit& unit) {
  const std::string letter(unit.name.substr(0, 1));
  return iequals(written, unit.name) || iequals(written, letter) || iequals(written, letter + "B");
}

} // namespace

std::optional<std::uint64_t> parse_octets(std::string_view text) {
  const auto [number, unit] = part(text);
  std::uint64_t factor = 1;
  if (!unit.empty() && !iequals(unit, "B")) {
    const auto known = std::ranges::find_if(kSizeUnits, [&](const SizeUnit& u) { return names(unit, u); });
    if (known == kSizeUnits.end()) return std::nullopt;
    factor = known->octets;
  }
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (const auto whole = parse_u64(number))
    return *whole > most / factor ? std::nullopt : std::optional(*whole * factor);
  const auto dot = number.find('.');
  if (number.size() > 18 || number.size() < 2 || std::ranges::count(number, '.') != 1 || factor == 1 || dot == 0)
    return std::nullopt;
  const double octets = std::stod(std::string(number)) * static_cast<double>(factor);
  if (octets > 9e18) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(octets));
}

std::string octets_text(std::uint64_t octets) {
  for (const auto& unit : kSizeUnits)
    if (octets >= unit.octets)
      return fmt::format("{:.1f} {}", static_cast<double>(octets) / static_cast<double>(unit.octets), unit.name);
  return fmt::format("{} B", octets);
}

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  const auto [number, unit] = part(text);
  const auto whole = parse_u64(number);
  const auto known = std::ranges::find_if(kTimeUnits, [&](const TimeUnit& u) { return iequals(unit, u.name); });
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max() / 1000;
  if (!whole || known == kTimeUnits.end() || *whole > most / static_cast<std::uint64_t>(known->seconds))
    return std::nullopt;
  return static_cast<std::int64_t>(*whole) * known->seconds;
}

std::string seconds_text(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86400);
}

} // namespace paquebot
