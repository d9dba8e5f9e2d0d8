#include "mailauth/spf_macro.h"

#include "base/text.h"

#include <algorithm>
#include <vector>

namespace paquebot::mailauth {
namespace {

constexpr std::string_view kDelimiters = ".-+,/_=";
constexpr std::string_view kLetters = "slodiphv";
constexpr std::string_view kExplanationLetters = "slodiphvcrt";
constexpr std::size_t kMaxExpandedName = 253;
/// A local part may be 64 octets and a name 253; more parts than octets there can't be.
constexpr unsigned kMaxParts = 1000;

/// macro-expand with braces (section 7.1), taken apart.
struct Macro {
  char letter = 0; ///< as written: a capital one is URL-escaped
  unsigned parts = 0;
  bool reverse = false;
  std::string_view delimiters;
  std::size_t length = 0; ///< octets of the text it took; 0 when malformed
};

/// Reads "%{...}" at the beginning of `text`.
Macro read_macro(std::string_view text, std::string_view letters) {
  const auto close = text.find('}');
  if (close == std::string_view::npos || close < 3) return {};
  std::string_view inside = text.substr(2, close - 2);
  Macro macro;
  macro.letter = inside[0];
  if (letters.find(to_lower(macro.letter)) == std::string_view::npos) return {};
  inside.remove_prefix(1);
  bool counted = false;
  for (; !inside.empty() && is_digit(inside[0]); inside.remove_prefix(1)) {
    macro.parts = std::min(kMaxParts, macro.parts * 10 + static_cast<unsigned>(inside[0] - '0'));
    counted = true;
  }
  if (counted && macro.parts == 0) return {}; // section 7.3: must be nonzero
  if (!inside.empty() && to_lower(inside[0]) == 'r') {
    macro.reverse = true;
    inside.remove_prefix(1);
  }
  if (inside.find_first_not_of(kDelimiters) != std::string_view::npos) return {};
  macro.delimiters = inside;
  macro.length = close + 1;
  return macro;
}

std::string macro_value(char letter, const SpfMacroValues& v) {
  switch (to_lower(letter)) {
    case 's': return v.local + "@" + v.sender_domain;
    case 'l': return v.local;
    case 'o': return v.sender_domain;
    case 'd': return v.domain;
    case 'i': return v.ip.dotted();
    case 'p': return v.validated;
    case 'h': return v.helo;
    case 'v': return v.ip.v4 ? "in-addr" : "ip6";
    case 'c': return v.ip.to_string();
    case 'r': return v.receiver;
    case 't': return std::to_string(v.now);
    default: return {};
  }
}

/// Section 7.3: parts between delimiters, perhaps reversed, the right-hand ones, joined by dots.
std::string transformed(const std::string& value, const Macro& macro) {
  if (macro.parts == 0 && !macro.reverse && macro.delimiters.empty()) return value;
  const std::string_view delimiters = macro.delimiters.empty() ? "." : macro.delimiters;
  std::vector<std::string_view> parts;
  std::string_view rest = value;
  for (;;) {
    const auto at = rest.find_first_of(delimiters);
    parts.push_back(rest.substr(0, at));
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at + 1);
  }
  if (macro.reverse) std::ranges::reverse(parts);
  const std::size_t keep = macro.parts == 0 ? parts.size() : std::min<std::size_t>(macro.parts, parts.size());
  std::string out;
  for (std::size_t i = parts.size() - keep; i < parts.size(); ++i) {
    if (i != parts.size() - keep) out += '.';
    out += parts[i];
  }
  return out;
}

/// RFC 3986 section 2.3: everything but the unreserved characters becomes %XX.
std::string url_escaped(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += '%';
    out += hex[octet >> 4];
    out += hex[octet & 15];
  }
  return out;
}

/// Octets of the macro-expand at the beginning of `text`, 0 when malformed; its expansion goes to `out` if given.
std::size_t take_macro(std::string_view text, std::string_view letters, const SpfMacroValues* values,
                       std::string* out) {
  if (text.size() < 2) return 0;
  const auto put = [&](std::string_view piece) {
    if (out) *out += piece;
  };
  switch (text[1]) {
    case '%': put("%"); return 2;
    case '_': put(" "); return 2;
    case '-': put("%20"); return 2;
    case '{': break;
    default: return 0;
  }
  const Macro macro = read_macro(text, letters);
  if (macro.length != 0 && out) {
    const std::string value = transformed(macro_value(macro.letter, *values), macro);
    put(macro.letter >= 'A' && macro.letter <= 'Z' ? url_escaped(value) : value);
  }
  return macro.length;
}

/// toplabel of section 7.1: letters, digits and inner hyphens, not digits alone.
bool is_top_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  const bool ldh = std::ranges::all_of(label, [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
  return ldh && !std::ranges::all_of(label, is_digit);
}

bool uses(std::string_view text, char letter) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i)
    if (text[i] == '%' && text[i + 1] == '{' && to_lower(text[i + 2]) == letter) return true;
  return false;
}

} // namespace

Result<> check_spf_macros(std::string_view text, SpfMacroUse use) {
  const std::string_view letters = use == SpfMacroUse::explanation ? kExplanationLetters : kLetters;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '%') {
      const std::size_t length = take_macro(text.substr(i), letters, nullptr, nullptr);
      if (length == 0) return fail(Errc::invalid, "malformed macro");
      i += length;
      continue;
    }
    const bool visible = text[i] > ' ' && text[i] < 127;
    if (!visible && !(use == SpfMacroUse::explanation && text[i] == ' '))
      return fail(Errc::invalid, "a character that is not allowed");
    ++i;
  }
  return {};
}

Result<> check_spf_domain_spec(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid, "missing domain");
  if (auto macros = check_spf_macros(text, SpfMacroUse::domain_spec); !macros) return macros;
  // domain-end: what follows the last macro is empty, or ends in a dot and a top label.
  std::size_t after_macro = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '%') {
      ++i;
      continue;
    }
    i += take_macro(text.substr(i), kLetters, nullptr, nullptr);
    after_macro = i;
  }
  if (after_macro == text.size()) return {};
  std::string_view end = text.substr(after_macro);
  if (end.ends_with('.')) end.remove_suffix(1);
  const auto dot = end.rfind('.');
  if (dot == std::string_view::npos || !is_top_label(end.substr(dot + 1)))
    return fail(Errc::invalid, "the domain has no top label");
  return {};
}

bool uses_spf_validated_name(std::string_view text) { return uses(text, 'p'); }

bool uses_spf_local_part(std::string_view text) { return uses(text, 's') || uses(text, 'l'); }

std::string expand_spf_macros(std::string_view text, const SpfMacroValues& values, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < most;) {
    const std::size_t length =
        text[i] == '%' ? take_macro(text.substr(i), kExplanationLetters, &values, &out) : std::size_t{0};
    if (length == 0) out += text[i];
    i += std::max<std::size_t>(length, 1);
  }
  if (out.size() > most) out.resize(most);
  return out;
}

std::string spf_target_name(std::string_view domain_spec, const SpfMacroValues& values) {
  const std::string expanded = to_lower(expand_spf_macros(domain_spec, values));
  std::string_view name = expanded;
  if (name.ends_with('.')) name.remove_suffix(1);
  while (name.size() > kMaxExpandedName) {
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return std::string(name);
}

} // namespace paquebot::mailauth
