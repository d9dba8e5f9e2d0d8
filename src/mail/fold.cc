#include "mail/fold.h"

#include "base/text.h"
#include "mail/content_scan.h"

#include <algorithm>

namespace paquebot::mail {
namespace {

/// Where a line that is longer than `room` is cut: at least 1, at most `room`. What is behind begins with white space
/// unless `adds`.
std::size_t cut_of(std::string_view line, std::size_t room, bool& adds) {
  adds = false;
  const auto colon = std::min(line.find(':'), line.size());
  for (std::size_t at = room; at > 1; --at) // a field's name does not stand alone
    if (is_wsp(line[at]) && !is_wsp(line[at - 1]) && at != colon + 1) return at;
  adds = true;
  for (std::size_t at = room; at > room / 2; --at)
    if (line[at - 1] == ',' || line[at - 1] == ';' || line[at - 1] == '>') return at;
  std::size_t at = room;
  while (at > room - 4 && (static_cast<unsigned char>(line[at]) & 0xC0U) == 0x80U) --at; // not within a character
  return at;
}

void fold_line(std::string_view line, std::string& out) {
  std::size_t room = kMaxLine;
  while (line.size() > room) {
    // A line of white space alone is none (RFC 5322 section 3.2.2): of so much of it one octet stays.
    const auto text = line.find_first_not_of(" \t");
    if (text == std::string_view::npos) return;
    if (text >= room - 1) {
      line.remove_prefix(text - 1);
      continue;
    }
    bool adds = false;
    const std::size_t cut = cut_of(line, room, adds);
    const auto behind = line.substr(cut);
    line = line.substr(0, cut);
    if (behind.find_first_not_of(" \t") == std::string_view::npos) break;
    out.append(line).append("\r\n");
    if (adds) out += ' ';
    room = kMaxLine - (adds ? 1 : 0);
    line = behind;
  }
  out.append(line).append("\r\n");
}

} // namespace

std::string fold_field(std::string_view raw) {
  std::string out;
  out.reserve(raw.size() + raw.size() / 256 + 8);
  while (!raw.empty()) {
    const auto end = raw.find("\r\n");
    const auto line = raw.substr(0, end);
    raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 2);
    fold_line(line, out);
  }
  return out;
}

std::size_t fold_long_lines(Head& head) {
  std::size_t folded = 0;
  for (std::size_t i = 0; i < head.fields().size(); ++i) {
    const std::string_view raw = head.fields()[i].raw;
    if (raw.size() <= kMaxLine + 2) continue;
    ContentScan scan;
    scan.feed(raw);
    if (scan.longest_line <= kMaxLine) continue;
    head.replace_raw(i, fold_field(raw));
    ++folded;
  }
  return folded;
}

} // namespace paquebot::mail
