#pragma once

#include <string_view>

namespace paquebot::mail {

/// The line without the CRLF, LF or CR that ends it: at most one of each, in that order.
[[nodiscard]] inline std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Takes the next line, with its LF when it has one, from the front of `text`.
[[nodiscard]] inline std::string_view take_line(std::string_view& text) {
  const auto at = text.find('\n');
  const std::string_view line = text.substr(0, at == std::string_view::npos ? at : at + 1);
  text.remove_prefix(line.size());
  return line;
}

} // namespace paquebot::mail
