// What a test looks for in a message: links, codes, and the text that HTML shows.
#include "base/text.h"
#include "sink/content.h"

#include <algorithm>
#include <array>

namespace paquebot::sink {
namespace {

constexpr std::size_t kMostLinks = 100;
constexpr std::size_t kMostCodes = 20;
constexpr std::size_t kLongestLink = 4096;
/// Octets on either side of a code where a word for it may stand.
constexpr std::size_t kBeside = 60;
/// Of a text; what comes behind is not looked at.
constexpr std::size_t kLookedAt = 1u << 20;

void append_utf8(std::string& out, std::uint32_t code) {
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
std::optional<std::uint32_t> numbered(std::string_view digits) {
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

/// References of HTML to characters: those by number, and the names that mails use.
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
    const auto number = name.starts_with('#') ? numbered(name.substr(1)) : std::nullopt;
    if (known != names.end())
      out += known->second;
    else if (number)
      append_utf8(out, *number);
    else
      out += text.substr(0, end + 1);
    text.remove_prefix(end + 1);
  }
  return out;
}

/// One tag: `<name …>`, and what is behind it. `name` in lower case, "/p" at the end of an element.
struct Tag {
  std::string name;
  std::string_view attributes;
  std::size_t length = 0;
};
/// What begins with "<"; length 1 when it is no tag.
Tag read_tag(std::string_view html) {
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

/// Takes one attribute off the front: its name and value, as they are written; an empty name at the end.
std::pair<std::string_view, std::string_view> take_attribute(std::string_view& rest) {
  while (!rest.empty() && (is_space(rest.front()) || rest.front() == '/')) rest.remove_prefix(1);
  const std::string_view name = rest.substr(0, rest.find_first_of(" \t\r\n/=", 1));
  rest.remove_prefix(name.size());
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  if (!rest.starts_with('=')) return {name, {}};
  rest.remove_prefix(1);
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  const bool quoted = !rest.empty() && (rest.front() == '"' || rest.front() == '\'');
  const std::size_t end = quoted ? rest.find(rest.front(), 1) : rest.find_first_of(" \t\r\n");
  const std::string_view value = rest.substr(quoted ? 1 : 0, quoted ? end - 1 : end);
  rest.remove_prefix(std::min(rest.size(), end == std::string_view::npos ? end : end + 1));
  return {name, value};
}

/// The value of the first attribute of that name, as it is written; empty when there is none.
std::string_view attribute(std::string_view attributes, std::string_view name) {
  while (!attributes.empty()) {
    const auto [found, value] = take_attribute(attributes);
    if (iequals(found, name)) return value;
  }
  return {};
}

bool is_web(std::string_view address) { return istarts_with(address, "https://") || istarts_with(address, "http://"); }

void add_once(std::vector<std::string>& all, std::string one, std::size_t most) {
  if (all.size() < most && std::ranges::find(all, one) == all.end()) all.push_back(std::move(one));
}

void links_in_html(std::string_view html, std::vector<std::string>& all) {
  for (std::size_t at = html.find('<'); at < html.size(); at = html.find('<', at)) {
    const Tag tag = read_tag(html.substr(at));
    at += tag.length;
    if (tag.name != "a" && tag.name != "area" && tag.name != "form") continue;
    const std::string_view written = attribute(tag.attributes, tag.name == "form" ? "action" : "href");
    std::string address = without_entities(trim(written));
    if (is_web(address) && address.size() <= kLongestLink) add_once(all, std::move(address), kMostLinks);
  }
}

void links_in_text(std::string_view text, std::vector<std::string>& all) {
  for (std::size_t at = 0; at < text.size();) {
    at = text.find("http", at);
    if (at == std::string_view::npos) return;
    if (!is_web(text.substr(at))) {
      at += 4;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && static_cast<unsigned char>(text[end]) > ' ' &&
           std::string_view("<>\"`{}|\\^").find(text[end]) == std::string_view::npos)
      ++end;
    std::string_view address = text.substr(at, std::min(end - at, kLongestLink + 1));
    while (std::string_view(".,;:!?'").find(address.back()) != std::string_view::npos ||
           (address.back() == ')' && std::ranges::count(address, ')') > std::ranges::count(address, '(')))
      address.remove_suffix(1);
    if (address.size() > 8 && address.size() <= kLongestLink) add_once(all, std::string(address), kMostLinks);
    at = end;
  }
}

bool is_word(char c) { return is_alnum(c) || (static_cast<unsigned char>(c) & 0x80) != 0 || c == '_'; }

bool names_a_code(std::string_view text) {
  static constexpr std::string_view parts[] = {"code",   "token", "verif",    "kode",   "código",
                                               "codice", "код",   "one-time", "einmal", "sign in"};
  static constexpr std::string_view words[] = {"pin", "otp", "tan", "kod", "login"};
  const std::string low = to_lower(text);
  if (std::ranges::any_of(parts, [&](std::string_view one) { return low.find(one) != std::string::npos; })) return true;
  for (std::size_t at = 0; at < low.size();) {
    std::size_t end = at;
    while (end < low.size() && is_word(low[end])) ++end;
    if (std::ranges::find(words, std::string_view(low).substr(at, end - at)) != std::end(words)) return true;
    at = end + 1;
  }
  return false;
}

/// A run of letters and digits that may be a code, with at most one blank or hyphen within: its octets, 0 when it is
/// none.
std::size_t code_length(std::string_view text) {
  std::size_t end = 0, digits = 0, upper = 0, joints = 0;
  for (; end < text.size() && end <= 12; ++end) {
    const char c = text[end];
    if (is_digit(c))
      ++digits;
    else if (c >= 'A' && c <= 'Z')
      ++upper;
    else if ((c == ' ' || c == '-') && joints == 0 && end >= 2 && end + 1 < text.size() && is_digit(text[end - 1]) &&
             is_digit(text[end + 1]) && upper == 0)
      ++joints;
    else
      break;
  }
  if (end < text.size() && is_word(text[end])) return 0;
  const bool goes_on = end + 1 < text.size() && std::string_view("-./:,").find(text[end]) != std::string_view::npos;
  if (goes_on && is_digit(text[end + 1])) return 0; // a date, a time, an amount
  const std::size_t letters = digits + upper;
  if (digits == 0 || letters < 4 || letters > 10 || (upper > 0 && letters < 6)) return 0;
  return joints == 0 || letters >= 6 ? end : 0;
}

bool alone_in_line(std::string_view text, std::size_t from, std::size_t length) {
  const std::size_t begin = text.find_last_of("\r\n", from);
  const std::size_t end = std::min(text.find_first_of("\r\n", from), text.size());
  const std::size_t first = begin == std::string_view::npos ? 0 : begin + 1;
  return trim(text.substr(first, end - first)).size() == length;
}

void codes_in(std::string_view text, std::vector<std::string>& all) {
  text = text.substr(0, kLookedAt);
  for (std::size_t at = 0; at < text.size() && all.size() < kMostCodes;) {
    const bool begins = at == 0 || !(is_word(text[at - 1]) ||
                                     std::string_view("/=&?.,-#@+%").find(text[at - 1]) != std::string_view::npos);
    const std::size_t length = begins ? code_length(text.substr(at)) : 0;
    if (length == 0) {
      ++at;
      continue;
    }
    const std::size_t from = at < kBeside ? 0 : at - kBeside;
    const std::string_view behind = text.substr(at + length, kBeside);
    if (alone_in_line(text, at, length) || names_a_code(text.substr(from, at - from)) || names_a_code(behind)) {
      std::string code(text.substr(at, length));
      std::erase_if(code, [](char c) { return c == ' ' || c == '-'; });
      add_once(all, std::move(code), kMostCodes);
    }
    at += length;
  }
}

/// Addresses are no text: digits in them are no codes.
std::string without_links(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (is_web(text.substr(at, 8))) {
      while (at < text.size() && !is_space(text[at])) ++at;
      out += ' ';
    } else {
      out += text[at++];
    }
  }
  return out;
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

std::string text_of_html(std::string_view html) {
  html = html.substr(0, kLookedAt);
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] != '<') {
      const std::size_t end = std::min(html.find('<', at), html.size());
      add_collapsed(out, html.substr(at, end - at));
      at = end;
      continue;
    }
    const Tag tag = read_tag(html.substr(at));
    if (tag.length == 1) add_collapsed(out, "<");
    at += tag.length;
    if (breaks_line(tag.name) && !out.empty() && out.back() != '\n') out += '\n';
    if (tag.name != "script" && tag.name != "style") continue;
    const std::string end = "</" + tag.name;
    while (at < html.size() && !istarts_with(html.substr(at, end.size()), end)) ++at;
  }
  return out;
}

std::vector<std::string> links_of(const Content& content) {
  std::vector<std::string> all;
  links_in_html(std::string_view(content.html).substr(0, kLookedAt), all);
  links_in_text(std::string_view(content.text).substr(0, kLookedAt), all);
  return all;
}

std::vector<std::string> codes_of(const Content& content) {
  std::vector<std::string> all;
  codes_in(content.subject, all);
  codes_in(without_links(content.text), all);
  if (!content.html.empty()) codes_in(without_links(text_of_html(content.html)), all);
  return all;
}

std::size_t remote_pictures(std::string_view html) {
  html = html.substr(0, kLookedAt);
  std::size_t count = 0;
  for (std::size_t at = html.find('<'); at < html.size(); at = html.find('<', at)) {
    const Tag tag = read_tag(html.substr(at));
    at += tag.length;
    if (tag.name == "img" && is_web(trim(attribute(tag.attributes, "src")))) ++count;
  }
  return count;
}

} // namespace paquebot::sink
