#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::app {

/// A value of a configuration file, as it was written, with the line it stands on. A tree of plain data: only
/// toml_file.cc knows the library that reads TOML.
struct Node {
  enum class Kind : std::uint8_t {
    other, ///< a fraction, a date, or what is nested deeper than any key of ours
    flag,
    number,
    text,
    list,
    table, ///< [name], {…}, or the whole file
  };
  Kind kind = Kind::other;
  std::uint32_t line = 1; ///< where the value begins
  std::string key;        ///< its name, in a table
  std::uint32_t key_line = 1;
  bool flag = false;
  std::int64_t number = 0;
  std::string text;
  std::vector<Node> nodes; ///< of a list in their order, of a table by their names

  /// The value of that name in this table; null: there is none.
  const Node* find(std::string_view name) const;
  /// Whether it was written as [[name]].
  bool is_list_of_tables() const;
};

/// The table that a whole file is. `invalid` with "path:line: …" when it is not TOML.
Result<Node> parse_toml(std::string_view text, const std::string& path);

/// A text as TOML (and JSON) writes it, in quotes.
std::string toml_quoted(std::string_view text);

} // namespace paquebot::app
