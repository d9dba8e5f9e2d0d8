// What a test looks for in a message: links, codes, and the text that HTML shows.
#include "base/text.h"
#include "mail/html.h"
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
    const mail::HtmlTag tag = mail::read_html_tag(html.substr(at));
    at += tag.length;
    if (tag.name != "a" && tag.name != "area" && tag.name != "form") continue;
    const std::string_view written = attribute(tag.attributes, tag.name == "form" ? "action" : "href");
    std::string address = mail::without_entities(trim(written));
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

} // namespace

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
  if (!content.html.empty()) codes_in(without_links(mail::text_of_html(content.html)), all);
  return all;
}

std::size_t remote_pictures(std::string_view html) {
  html = html.substr(0, kLookedAt);
  std::size_t count = 0;
  for (std::size_t at = html.find('<'); at < html.size(); at = html.find('<', at)) {
    const mail::HtmlTag tag = mail::read_html_tag(html.substr(at));
    at += tag.length;
    if (tag.name == "img" && is_web(trim(attribute(tag.attributes, "src")))) ++count;
  }
  return count;
}

} // namespace paquebot::sink
