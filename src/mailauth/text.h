#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// WSP of RFC 5234 appendix B.1.
[[nodiscard]] constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }
/// What folding white space is made of (RFC 6376 section 2.8).
[[nodiscard]] constexpr bool is_space(char c) { return is_wsp(c) || c == '\r' || c == '\n'; }
/// DIGIT and ALPHA of RFC 5234 appendix B.1.
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

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
