#include "store/message_key.h"

#include "base/text.h"

#include <algorithm>
#include <bit>

namespace paquebot::store {
namespace {

constexpr std::string_view kMessageIdField = "message-id";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

} // namespace

std::int64_t message_key(std::string_view message_id) {
  if (const auto open = message_id.find('<'); open != message_id.npos) {
    message_id.remove_prefix(open + 1);
    message_id = message_id.substr(0, message_id.find('>'));
  }
  std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a
  bool any = false;
  for (const char c : message_id) {
    if (is_blank(c)) continue; // folding
    any = true;
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  if (!any) return 0;
  return hash == 0 ? 1 : std::bit_cast<std::int64_t>(hash);
}

std::int64_t message_key_in(std::string_view head) {
  for (std::size_t at = 0; at < head.size();) {
    const std::size_t end = std::min(head.find('\n', at), head.size() - 1) + 1;
    const std::string_view line = head.substr(at, end - at);
    at = end;
    if (!istarts_with(line, kMessageIdField)) continue;
    const auto colon = line.find_first_not_of(" \t", kMessageIdField.size());
    if (colon == line.npos || line[colon] != ':') continue;
    std::size_t last = end; // of the lines that go on with it
    while (last < head.size() && (head[last] == ' ' || head[last] == '\t'))
      last = std::min(head.find('\n', last), head.size() - 1) + 1;
    return message_key(head.substr(end - line.size() + colon + 1, last - (end - line.size() + colon + 1)));
  }
  return 0;
}

} // namespace paquebot::store
