#include "cli/output.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <fmt/format.h>

namespace paquebot::cli {
namespace {

/// Columns that a text takes: a character each, which is right for most scripts.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

struct Unit {
  std::string_view name;
  std::uint64_t size;
};
constexpr std::array<Unit, 4> kSizes{
    {{"TiB", 1ULL << 40U}, {"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}}};

} // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)), right_(headings_.size(), false) {}

void Table::add(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  for (auto& cell : cells) cell = printable(cell, 256);
  rows_.push_back(std::move(cells));
}

void Table::print_row(std::ostream& out, const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) const {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - width(cells[i]), ' ');
    if (i > 0) line += "  ";
    line += right_[i] ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  widths.reserve(headings_.size());
  for (const auto& heading : headings_) widths.push_back(width(heading));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  print_row(out, headings_, widths);
  for (const auto& row : rows_) print_row(out, row, widths);
}

std::string size_text(std::uint64_t octets) {
  for (const auto& unit : kSizes) {
    if (octets >= unit.size)
      return fmt::format("{:.1f} {}", static_cast<double>(octets) / static_cast<double>(unit.size), unit.name);
  }
  return fmt::format("{} B", octets);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const std::string_view whole = trim(text);
  const auto wrong = [&] {
    return fail(Errc::invalid,
                "\"" + printable(text, 64) + "\" is not a size: write it like 500M, 2G, or \"unlimited\"");
  };
  if (iequals(whole, "unlimited") || iequals(whole, "none")) return 0;
  const auto end = std::ranges::find_if(whole, [](char c) { return (c < '0' || c > '9') && c != '.'; });
  const std::string number(whole.begin(), end);
  const std::string_view unit = trim(whole.substr(number.size()));
  if (number.empty() || number.size() > 18 || std::ranges::count(number, '.') > 1 || number == ".") return wrong();
  double factor = 1;
  if (!unit.empty() && !iequals(unit, "B")) {
    const auto known = std::ranges::find_if(kSizes, [&](const Unit& u) { // "M", "MB" and "MiB" are one
      return iequals(unit, u.name) || iequals(unit, u.name.substr(0, 1)) ||
             iequals(unit, std::string(u.name.substr(0, 1)) + "B");
    });
    if (known == kSizes.end()) return wrong();
    factor = static_cast<double>(known->size);
  }
  const double octets = std::stod(number) * factor;
  if (octets > 9e18) return wrong();
  return static_cast<std::uint64_t>(std::llround(octets));
}

std::string duration_text(std::int64_t milliseconds) {
  const std::int64_t seconds = std::max<std::int64_t>(milliseconds, 0) / 1000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86400);
}

std::string relative_text(std::int64_t at, std::int64_t now) {
  if (at == 0) return "-";
  if (at - now >= 1000) return "in " + duration_text(at - now);
  if (now - at >= 1000) return duration_text(now - at) + " ago";
  return "now";
}

std::string time_text(std::int64_t at) {
  if (at == 0) return "-";
  const std::time_t seconds = at / 1000;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::localtime_r(&seconds, &parts) == nullptr) return "-";
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return {text.data(), length};
}

std::string count_text(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

} // namespace paquebot::cli
