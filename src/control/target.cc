#include "control/target.h"

#include "base/text.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kMost = 16;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_unreserved(char c) {
  const char low = to_lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

Result<> parse_query(std::string_view text, Target& target) {
  if (text.empty()) return {};
  for (const auto part : split(text, '&')) {
    const auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals));
    auto value = percent_decode(equals == part.npos ? std::string_view() : part.substr(equals + 1));
    if (!name) return std::unexpected(name.error());
    if (!value) return std::unexpected(value.error());
    if (target.query.size() >= kMost || !target.query.emplace(std::move(*name), std::move(*value)).second) {
      return fail(Errc::invalid, "the query names a value twice, or too many");
    }
  }
  return {};
}

/// "~1" and "~0" back to what they stand for.
std::string without_tildes(std::string_view text) {
  std::string out;
  for (; !text.empty(); text.remove_prefix(1)) {
    const bool slash = text.starts_with("~1");
    const bool tilde = text.starts_with("~0");
    out += slash ? '/' : text.front();
    if (slash || tilde) text.remove_prefix(1);
  }
  return out;
}

} // namespace

std::string path_encode(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '/' ? std::string("~1") : c == '~' ? std::string("~0") : std::string(1, c);
  return percent_encode(escaped);
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Errc::invalid, "the target has a broken %XX");
    if (high == 0 && low == 0) return fail(Errc::invalid, "the target holds a NUL");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4U];
      out += kDigits[static_cast<unsigned char>(c) & 15U];
    }
  }
  return out;
}

Result<Target> parse_target(std::string_view text) {
  if (!text.starts_with('/')) return fail(Errc::invalid, "the target must begin with /");
  Target target;
  const auto question = text.find('?');
  for (const auto part : split(text.substr(1, question == text.npos ? question : question - 1), '/')) {
    auto segment = percent_decode(part);
    if (!segment) return std::unexpected(segment.error());
    if (target.segments.size() >= kMost) return fail(Errc::invalid, "the target has too many parts");
    target.segments.push_back(without_tildes(*segment));
  }
  if (question != text.npos) {
    if (auto query = parse_query(text.substr(question + 1), target); !query) return std::unexpected(query.error());
  }
  return target;
}

} // namespace paquebot::control
