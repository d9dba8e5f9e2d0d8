#pragma once

#include "base/result.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// Aligned columns, two spaces between them. Cells are made printable: they hold text from outside.
class Table {
public:
  explicit Table(std::vector<std::string> headings);
  /// As many cells as headings.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// Numbers go right, text goes left.
  void align_right(std::size_t column) { right_.at(column) = true; }
  void print(std::ostream& out) const;
  /// The same, or `otherwise` as a line when there are no rows.
  void print_or(std::ostream& out, std::string_view otherwise) const;

private:
  void print_row(std::ostream& out, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths) const;

  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// "3.2 MiB", "812 B": powers of 1024.
std::string size_text(std::uint64_t octets);
/// "10M", "1.5 GiB", "0", "unlimited" (0): powers of 1024.
Result<std::uint64_t> parse_size(std::string_view text);
/// "4 min", "3 h", "2 days": the largest unit that fits, rounded down.
std::string duration_text(std::int64_t milliseconds);
/// "in 4 min", "3 h ago", "now"; "-" for 0.
std::string relative_text(std::int64_t at, std::int64_t now);
/// "2026-11-23 12:09:05" in local time; "-" for 0.
std::string time_text(std::int64_t at);
/// "1 recipient", "3 recipients".
std::string count_text(std::int64_t number, std::string_view noun);

} // namespace paquebot::cli
