#include "imap/flags.h"

#include "base/text.h"

#include <algorithm>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::pair<std::string_view, std::uint64_t> kFlagNames[] = {{"\\Answered", kAnswered},
                                                                     {"\\Flagged", kFlagged},
                                                                     {"\\Deleted", kDeleted},
                                                                     {"\\Seen", kSeen},
                                                                     {"\\Draft", kDraft}};

constexpr std::pair<std::string_view, std::uint8_t> kUseNames[] = {
    {"\\All", kAll},   {"\\Archive", kArchive}, {"\\Drafts", kDrafts}, {"\\Flagged", kFlaggedUse},
    {"\\Junk", kJunk}, {"\\Sent", kSent},       {"\\Trash", kTrash}};

void add_word(std::string& out, std::string_view word) {
  if (!out.empty()) out += ' ';
  out += word;
}

bool add_flag(FlagList& list, std::string_view name) {
  if (name.starts_with('\\')) {
    if (iequals(name, "\\Recent")) return true;
    const std::uint64_t bit = system_flag(name);
    list.flags |= bit;
    return bit != 0;
  }
  if (name.size() > kMaxKeyword) return false;
  const auto same = [&](const std::string& one) { return iequals(one, name); };
  if (std::ranges::any_of(list.keywords, same)) return true;
  if (list.keywords.size() == kMaxKeywords) return false;
  list.keywords.emplace_back(name);
  return true;
}

} // namespace

std::optional<FlagList> parse_flags(Lexer& lexer) {
  FlagList list;
  const bool in_parentheses = lexer.take('(');
  if (in_parentheses && lexer.take(')')) return list;
  do {
    const auto name = lexer.flag();
    if (!name || !add_flag(list, *name)) return {};
  } while (lexer.space() && lexer.peek() != ')' && !lexer.at_end());
  if (in_parentheses && !lexer.take(')')) return {};
  return list;
}

std::uint64_t system_flag(std::string_view name) {
  const auto found = std::ranges::find_if(kFlagNames, [&](const auto& one) { return iequals(one.first, name); });
  return found == std::end(kFlagNames) ? 0 : found->second;
}

std::string flags_text(std::uint64_t flags, const std::vector<Keyword>& keywords) {
  std::string out;
  for (const auto& [name, bit] : kFlagNames)
    if ((flags & bit) != 0) add_word(out, name);
  for (const Keyword& keyword : keywords)
    if ((flags >> keyword.bit & 1) != 0) add_word(out, keyword.name);
  return out;
}

std::string all_flags_text(const std::vector<Keyword>& keywords) { return flags_text(~std::uint64_t{0}, keywords); }

std::string special_use_text(std::uint8_t uses) {
  std::string out;
  for (const auto& [name, bit] : kUseNames)
    if ((uses & bit) != 0) out.append(" ").append(name);
  return out;
}

std::uint8_t special_use(std::string_view name) {
  const auto found = std::ranges::find_if(kUseNames, [&](const auto& one) { return iequals(one.first, name); });
  return found == std::end(kUseNames) ? std::uint8_t{0} : found->second;
}

} // namespace paquebot::imap
