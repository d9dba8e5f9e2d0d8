#include "mail/content_type.h"

#include "base/text.h"
#include "mail/lines.h"

#include <algorithm>
#include <vector>

namespace paquebot::mail {
namespace {

/// What follows is not looked at; a real field has a few hundred octets.
constexpr std::size_t kMaxValue = 16 * 1024;

bool is_separator(char c) { return c == ';' || c == '/' || c == '='; }

/// A word, a quoted string without its quotes, or a separator.
struct TypeToken {
  std::string text;
  char separator = 0;
};

std::size_t skip_comment(std::string_view text, std::size_t at) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '(') {
      ++depth;
    } else if (text[at] == ')' && --depth == 0) {
      return at + 1;
    }
  }
  return text.size();
}

std::size_t read_quoted(std::string_view text, std::size_t at, std::string& out) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    if (text[at] != '\r' && text[at] != '\n') out += text[at];
  }
  return std::min(at + 1, text.size());
}

std::vector<TypeToken> tokens_of(std::string_view text) {
  std::vector<TypeToken> tokens;
  text = text.substr(0, kMaxValue);
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (is_space(c)) {
      ++at;
    } else if (c == '(') {
      at = skip_comment(text, at);
    } else if (c == '"') {
      at = read_quoted(text, at, tokens.emplace_back().text);
    } else if (is_separator(c)) {
      tokens.push_back({{}, c});
      ++at;
    } else {
      // A boundary without quotes may hold "/" and "=" in practice, so only the name of the
      // parameter is cut there: the value runs to the next space or semicolon.
      const bool value = tokens.size() > 1 && tokens.back().separator == '=';
      const std::size_t start = at;
      while (at < text.size() && !is_space(text[at]) && text[at] != ';' && text[at] != '(' && text[at] != '"' &&
             (value || !is_separator(text[at]))) {
        ++at;
      }
      tokens.push_back({std::string(text.substr(start, at - start)), 0});
    }
  }
  return tokens;
}

void set_parameter(ContentType& type, std::string_view name, const std::string& value) {
  if (iequals(name, "boundary") && type.boundary.empty()) type.boundary = value;
  if (iequals(name, "report-type") && type.report_type.empty()) type.report_type = to_lower(value);
  if (iequals(name, "charset") && type.charset.empty()) type.charset = to_lower(value);
}

} // namespace

ContentType parse_content_type(std::string_view value) {
  const auto tokens = tokens_of(value);
  ContentType type;
  if (tokens.size() >= 3 && !tokens[0].separator && tokens[1].separator == '/' && !tokens[2].separator) {
    type.type = to_lower(tokens[0].text);
    type.subtype = to_lower(tokens[2].text);
  } else {
    type.type = "text";
    type.subtype = "plain";
  }
  for (std::size_t i = 0; i + 3 < tokens.size(); ++i) {
    if (tokens[i].separator == ';' && tokens[i + 2].separator == '=') {
      set_parameter(type, tokens[i + 1].text, tokens[i + 3].text);
    }
  }
  return type;
}

std::string first_token(std::string_view value) {
  for (const TypeToken& token : tokens_of(value)) {
    if (!token.separator) return to_lower(token.text);
  }
  return {};
}

} // namespace paquebot::mail
