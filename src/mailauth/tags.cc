#include "mailauth/tags.h"

#include "base/encoding.h"
#include "base/text.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kUsual = 12;

bool is_tag_name_char(char c) { return is_alpha(c) || (c >= '0' && c <= '9') || c == '_'; }

} // namespace

Result<TagList> TagList::parse(std::string_view text) {
  TagList list;
  list.tags_.reserve(kUsual);
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view spec = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (spec.empty()) {
      if (!trim(text).empty()) return fail(Errc::invalid, "an empty tag");
      break; // the final semicolon
    }
    const auto equals = spec.find('=');
    const std::string_view name = trim(spec.substr(0, equals));
    if (equals == std::string_view::npos || name.empty() || !is_alpha(name[0]) ||
        !std::ranges::all_of(name, is_tag_name_char))
      return fail(Errc::invalid, "\"" + printable(spec, 40) + "\" is no tag");
    if (list.find(name)) return fail(Errc::invalid, "tag " + std::string(name.substr(0, 40)) + "= appears twice");
    if (list.tags_.size() == kMost) return fail(Errc::invalid, "too many tags");
    list.tags_.push_back({name, trim(spec.substr(equals + 1))});
  }
  return list;
}

std::optional<std::string_view> TagList::find(std::string_view name) const {
  const auto at = std::ranges::find(tags_, name, &Tag::name);
  return at == tags_.end() ? std::nullopt : std::optional(at->value);
}

std::string without_space(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = static_cast<std::size_t>(std::ranges::find_if(text, is_space) - text.begin());
    out.append(text.substr(0, length));
    text.remove_prefix(std::min(text.size(), length + 1));
  }
  return out;
}

std::optional<std::string> folded_base64(std::string_view text) {
  const std::string packed = without_space(text);
  if (packed.empty()) return std::nullopt;
  return base64_decode(packed);
}

} // namespace paquebot::mailauth
