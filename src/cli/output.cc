#include "cli/output.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>

namespace paquebot::cli {
namespace {

/// Columns that a text takes: a character each, which is right for most scripts.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

} // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)), right_(headings_.size(), false) {}

void Table::add(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  for (auto& cell : cells) cell = printable(cell, 256);
  rows_.push_back(std::move(cells));
}

void Table::print_or(std::ostream& out, std::string_view otherwise) const {
  if (!empty()) return print(out);
  out << otherwise << '\n';
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

std::string size_text(std::uint64_t octets) { return octets_text(octets); }

Result<std::uint64_t> parse_size(std::string_view text) {
  if (iequals(trim(text), "unlimited") || iequals(trim(text), "none")) return 0;
  if (const auto octets = parse_octets(text)) return *octets;
  return fail(Errc::invalid, "\"" + printable(text, 64) + "\" is not a size: write it like 500M, 2G, or \"unlimited\"");
}

std::string duration_text(std::int64_t milliseconds) { return seconds_text(milliseconds / 1000); }

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
