#include "mail/content_type.h"

#include "base/text.h"
#include "mail/lines.h"

#include <algorithm>
#include <map>
#include <optional>
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
    const bool value = tokens.size() > 1 && tokens.back().separator == '=';
    if (is_space(c)) {
      ++at;
    } else if (c == '(') {
      at = skip_comment(text, at);
    } else if (c == '"') {
      at = read_quoted(text, at, tokens.emplace_back().text);
    } else if (is_separator(c) && (!value || c == ';')) {
      tokens.push_back({{}, c});
      ++at;
    } else {
      // A boundary without quotes may hold "/" and "=" in practice, so only the name of the
      // parameter is cut there: the value runs to the next space or semicolon.
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

/// Values that a parameter was given: as a whole, and by RFC 2231, which may come in pieces in any order.
struct Parameter {
  std::optional<std::string> plain;
  std::map<std::size_t, std::string> pieces;
};

std::string without_percents(std::string_view text) {
  const auto digit = [](char c) {
    return std::string_view("0123456789abcdef").find(c >= 'A' && c <= 'F' ? char(c + 32) : c);
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) < 16 && digit(text[i + 2]) < 16) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Takes `token`, the name of a parameter such as "boundary", "boundary*", "boundary*0" or "boundary*1*", and its
/// value.
void set_parameter(Parameter& parameter, std::string_view token, const std::string& value) {
  constexpr std::size_t kMostPieces = 100;
  const auto star = token.find('*');
  if (star == std::string_view::npos) {
    if (!parameter.plain) parameter.plain = value;
    return;
  }
  const auto section = token.substr(star + 1); // "", "0" or "0*"
  const bool encoded = section.empty() || section.ends_with('*');
  const auto number = section.empty() ? 0 : parse_u64(section.substr(0, section.find('*')));
  if (!number || *number >= kMostPieces || parameter.pieces.contains(*number)) return;
  std::string_view text = value;
  if (encoded && *number == 0) { // charset'language'text
    const auto language = text.find('\'');
    const auto end = language == std::string_view::npos ? language : text.find('\'', language + 1);
    if (end != std::string_view::npos) text.remove_prefix(end + 1);
  }
  parameter.pieces[*number] = encoded ? without_percents(text) : std::string(text);
}

std::optional<std::string> joined(const Parameter& parameter) {
  std::string text;
  std::size_t next = 0;
  for (const auto& [number, piece] : parameter.pieces) {
    if (number != next++) break;
    text += piece;
  }
  return next == 0 ? std::nullopt : std::optional(std::move(text));
}

std::string value_of(const Parameter& parameter) {
  auto pieces = joined(parameter);
  return pieces ? std::move(*pieces) : parameter.plain.value_or("");
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
  Parameter boundary, report_type, charset;
  for (std::size_t i = 0; i + 3 < tokens.size(); ++i) {
    if (tokens[i].separator != ';' || tokens[i + 2].separator != '=' || tokens[i + 3].separator) continue;
    const std::string_view token = tokens[i + 1].text;
    const auto name = token.substr(0, token.find('*'));
    Parameter* known = iequals(name, "boundary")      ? &boundary
                       : iequals(name, "report-type") ? &report_type
                       : iequals(name, "charset")     ? &charset
                                                      : nullptr;
    if (known != nullptr) set_parameter(*known, token, tokens[i + 3].text);
  }
  type.boundary = value_of(boundary);
  if (boundary.plain && !boundary.pieces.empty() && *boundary.plain != type.boundary) type.boundary.clear();
  type.report_type = to_lower(value_of(report_type));
  type.charset = to_lower(value_of(charset));
  return type;
}

std::string first_token(std::string_view value) {
  for (const TypeToken& token : tokens_of(value)) {
    if (!token.separator) return to_lower(token.text);
  }
  return {};
}

} // namespace paquebot::mail
