#include "http/query.h"

#include "base/text.h"
#include "http/path.h"

#include <algorithm>

namespace paquebot::http {

namespace {

std::optional<std::string> decode_word(std::string_view text, bool lines) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto decoded = percent_decode(spaced);
  if (!decoded || !is_utf8(*decoded)) return {};
  for (const char c : *decoded) {
    if (lines && is_space(c)) continue;
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return {};
  }
  return decoded;
}

} // namespace

Parsed<Query> Query::parse(std::string_view text, std::size_t most) {
  Query query;
  for (const std::string_view part : split(text, '&')) {
    if (part.empty()) continue;
    if (query.values_.size() == most) return fault(400, "too many parameters");
    const auto equals = part.find('=');
    auto name = decode_word(part.substr(0, equals), false);
    auto value = decode_word(equals == std::string_view::npos ? "" : part.substr(equals + 1), true);
    if (!name || name->empty() || !value) return fault(400, "a parameter that is none");
    if (query.get(*name) != nullptr) return fault(400, "a parameter that comes twice");
    query.values_.push_back({std::move(*name), std::move(*value)});
  }
  return query;
}

const std::string* Query::get(std::string_view name) const { return find_field(values_, name); }

const std::string* Query::unknown(std::span<const std::string_view> known) const {
  for (const Field& field : values_) {
    if (std::ranges::find(known, field.name) == known.end()) return &field.name;
  }
  return nullptr;
}

} // namespace paquebot::http
