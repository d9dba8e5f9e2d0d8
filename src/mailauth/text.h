#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// Whether `name` is `domain` or lies below it; both in lower case, without a dot at the end.
[[nodiscard]] inline bool is_same_or_below(std::string_view name, std::string_view domain) {
  return name == domain ||
         (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

/// Names of header fields as h= lists them (RFC 6376 section 3.5).
[[nodiscard]] inline std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ":") + name;
  return out;
}

} // namespace paquebot::mailauth
