#include "imap/mailbox_name.h"

#include "base/text.h"
#include "imap/utf7.h"

#include <algorithm>
#include <vector>

namespace paquebot::imap {
namespace {

constexpr std::string_view kInboxName = "INBOX";

std::string with_inbox(std::string name) {
  if (istarts_with(name, kInboxName) && (name.size() == kInboxName.size() || name[kInboxName.size()] == kDelimiter))
    std::ranges::copy(kInboxName, name.begin());
  return name;
}

std::optional<std::string> read_text(std::string_view wire, bool utf8) {
  if (wire.size() > 4 * kMaxName || wire.find('\0') != std::string_view::npos) return {};
  if (!utf8) return utf7_decode(wire);
  if (!is_utf8(wire)) return {};
  return std::string(wire);
}

} // namespace

std::optional<std::string> read_name(std::string_view wire, bool utf8) {
  auto text = read_text(wire, utf8);
  if (!text || text->empty()) return {};
  return with_inbox(std::move(*text));
}

std::optional<std::string> read_pattern(std::string_view wire, bool utf8) {
  auto text = read_text(wire, utf8);
  if (!text) return {};
  return with_inbox(std::move(*text));
}

std::string write_name(std::string_view name, bool utf8) { return utf8 ? std::string(name) : utf7_encode(name); }

std::optional<std::string_view> refusal_of_name(std::string_view name) {
  if (name.size() > kMaxName) return "the name is too long";
  const auto levels = split(name, kDelimiter);
  if (levels.size() > kMaxLevels) return "the name has too many levels";
  if (std::ranges::any_of(levels, [](std::string_view level) { return level.empty(); }))
    return "a level of the name is empty";
  if (name.find_first_of("*%") != std::string_view::npos) return "a name has no * and no %";
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t length = printable_length(rest);
    if (length == 0) return "the name has a control character";
    rest.remove_prefix(length);
  }
  return {};
}

std::size_t wild_octets(std::string_view pattern) {
  const std::size_t first = pattern.find_first_of("*%");
  return first == std::string_view::npos ? 0 : pattern.size() - first;
}

bool name_matches(std::string_view pattern, std::string_view name) {
  const std::size_t plain = pattern.size() - wild_octets(pattern);
  if (!name.starts_with(pattern.substr(0, plain))) return false;
  pattern.remove_prefix(plain);
  name.remove_prefix(plain);
  if (pattern.empty()) return name.empty();
  // Which prefixes of the pattern match the name so far.
  std::vector<char> now(pattern.size() + 1), next(pattern.size() + 1);
  const auto spread = [&](std::vector<char>& at) { // a wildcard may stand for nothing
    for (std::size_t i = 0; i < pattern.size(); ++i)
      if (at[i] != 0 && (pattern[i] == '*' || pattern[i] == '%')) at[i + 1] = 1;
  };
  now[0] = 1;
  spread(now);
  for (const char c : name) {
    std::ranges::fill(next, 0);
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (now[i] == 0) continue;
      if (pattern[i] == '*' || (pattern[i] == '%' && c != kDelimiter))
        next[i] = 1;
      else if (pattern[i] == c)
        next[i + 1] = 1;
    }
    spread(next);
    now.swap(next);
  }
  return now[pattern.size()] != 0;
}

} // namespace paquebot::imap
