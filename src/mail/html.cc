#include "mail/html.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace paquebot::mail {
namespace {

constexpr std::size_t kHtmlLookedAt = 1u << 20;

void append_character(std::string& out, std::uint32_t code) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// Of "&#…;", without these; nothing when it is no number.
std::optional<std::uint32_t> character_number(std::string_view digits) {
  const bool hex = !digits.empty() && to_lower(digits.front()) == 'x';
  if (hex) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > 7) return {};
  std::uint32_t value = 0;
  for (const char c : digits) {
    const char low = to_lower(c);
    if (is_digit(c))
      value = value * (hex ? 16 : 10) + static_cast<std::uint32_t>(c - '0');
    else if (hex && low >= 'a' && low <= 'f')
      value = value * 16 + static_cast<std::uint32_t>(low - 'a' + 10);
    else
      return {};
  }
  return value;
}

/// Elements that end a line.
bool breaks_line(std::string_view name) {
  static constexpr std::string_view blocks[] = {"br", "p",  "div", "tr", "li", "h1",    "h2",   "h3",    "h4",
                                                "h5", "h6", "td",  "th", "ul", "table", "head", "title", "blockquote"};
  if (name.starts_with('/')) name.remove_prefix(1);
  return std::ranges::find(blocks, name) != std::end(blocks);
}

void add_collapsed(std::string& out, std::string_view text) {
  for (const char c : without_entities(text)) {
    if (!is_space(c))
      out += c;
    else if (!out.empty() && out.back() != ' ' && out.back() != '\n')
      out += ' ';
  }
}

} // namespace

std::string without_entities(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> names{{{"amp", "&"},
                                                                                {"lt", "<"},
                                                                                {"gt", ">"},
                                                                                {"quot", "\""},
                                                                                {"apos", "'"},
                                                                                {"nbsp", " "},
                                                                                {"shy", ""},
                                                                                {"zwnj", ""}}};
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.front() == '&' ? text.substr(0, 12).find(';') : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::string_view name = text.substr(1, end - 1);
    const auto known = std::ranges::find(names, name, [](const auto& one) { return one.first; });
    const auto number = name.starts_with('#') ? character_number(name.substr(1)) : std::nullopt;
    if (known != names.end())
      out += known->second;
    else if (number)
      append_character(out, *number);
    else
      out += text.substr(0, end + 1);
    text.remove_prefix(end + 1);
  }
  return out;
}

HtmlTag read_html_tag(std::string_view html) {
  if (html.starts_with("<!--")) {
    const std::size_t end = html.find("-->");
    return {"!", {}, end == std::string_view::npos ? html.size() : end + 3};
  }
  if (html.size() < 2 || !(is_alpha(html[1]) || html[1] == '/' || html[1] == '!')) return {{}, {}, 1};
  std::size_t end = 1;
  char quote = 0;
  for (; end < html.size(); ++end) {
    const char c = html[end];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '>') {
      break;
    } else if ((c == '"' || c == '\'') && html[end - 1] == '=') {
      quote = c;
    }
  }
  const std::string_view inside = html.substr(1, end - 1);
  const std::size_t word = std::min(inside.find_first_of(" \t\r\n/", 1), inside.size());
  return {to_lower(inside.substr(0, word)), inside.substr(word), std::min(end + 1, html.size())};
}

std::string text_of_html(std::string_view html) {
  html = html.substr(0, kHtmlLookedAt);
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] != '<') {
      const std::size_t end = std::min(html.find('<', at), html.size());
      add_collapsed(out, html.substr(at, end - at));
      at = end;
      continue;
    }
    const HtmlTag tag = read_html_tag(html.substr(at));
    if (tag.length == 1) add_collapsed(out, "<");
    at += tag.length;
    if (breaks_line(tag.name) && !out.empty() && out.back() != '\n') out += '\n';
    if (tag.name != "script" && tag.name != "style") continue;
    const std::string end = "</" + tag.name;
    while (at < html.size() && !istarts_with(html.substr(at, end.size()), end)) ++at;
  }
  return out;
}

} // namespace paquebot::mail
