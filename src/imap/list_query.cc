#include "imap/list_query.h"

#include "base/text.h"
#include "imap/mailbox_name.h"
#include "imap/write.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace paquebot::imap {
namespace {

constexpr std::size_t kMaxPatterns = 50;

constexpr std::pair<std::string_view, std::uint16_t> kStatusNames[] = {{"MESSAGES", kMessagesItem},
                                                                       {"UIDNEXT", kUidNextItem},
                                                                       {"UIDVALIDITY", kUidValidityItem},
                                                                       {"UNSEEN", kUnseenItem},
                                                                       {"DELETED", kDeletedItem},
                                                                       {"SIZE", kSizeItem},
                                                                       {"RECENT", kRecentItem},
                                                                       {"APPENDLIMIT", kAppendLimitItem},
                                                                       {"HIGHESTMODSEQ", kModSeqItem},
                                                                       {"MAILBOXID", kMailboxIdItem},
                                                                       {"DELETED-STORAGE", kDeletedSizeItem}};

bool selection_option(Lexer& lexer, ListQuery& query) {
  if (lexer.take_word("SUBSCRIBED"))
    query.only_subscribed = query.tell_subscribed = true;
  else if (lexer.take_word("RECURSIVEMATCH"))
    query.recursive = true;
  else if (lexer.take_word("SPECIAL-USE"))
    query.only_special = true;
  else
    return lexer.take_word("REMOTE"); // there are none
  return true;
}

bool return_option(Lexer& lexer, ListQuery& query) {
  if (lexer.take_word("SUBSCRIBED")) {
    query.tell_subscribed = true;
  } else if (lexer.take_word("STATUS")) {
    query.status = lexer.space() ? parse_status_items(lexer) : std::uint16_t{0};
    return query.status != 0;
  } else {
    return lexer.take_word("CHILDREN") || lexer.take_word("SPECIAL-USE"); // told in any case
  }
  return true;
}

template <class One>
bool parenthesised(Lexer& lexer, One one) {
  if (!lexer.take('(')) return false;
  for (bool first = true; !lexer.take(')'); first = false)
    if ((!first && !lexer.space()) || !one()) return false;
  return true;
}

/// With its reference: a pattern that begins with the delimiter is not below it.
std::string joined(const std::string& reference, const std::string& pattern) {
  std::string whole = reference + pattern;
  while (whole.size() > 1 && whole.front() == kDelimiter) whole.erase(0, 1);
  return whole;
}

/// The names above, the nearest first.
template <class Visit>
void each_ancestor(std::string_view name, Visit visit) {
  for (auto at = name.rfind(kDelimiter); at != std::string_view::npos && at > 0; at = name.rfind(kDelimiter, at - 1))
    visit(name.substr(0, at));
}

struct Place {
  const MailboxFacts* facts = nullptr;
  bool subscribed = false, has_children = false, subscribed_below = false;
};

struct InboxFirst {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::pair(a != "INBOX", std::string_view(a)) < std::pair(b != "INBOX", std::string_view(b));
  }
};
using Tree = std::map<std::string, Place, InboxFirst>;

Tree tree_of(const Folders& folders) {
  Tree tree;
  for (const MailboxFacts& facts : folders.mailboxes) tree[facts.name].facts = &facts;
  for (const MailboxFacts& facts : folders.mailboxes)
    each_ancestor(facts.name, [&](std::string_view above) { tree[std::string(above)].has_children = true; });
  for (const std::string& name : folders.subscribed) {
    tree[name].subscribed = true;
    each_ancestor(name, [&](std::string_view above) { tree[std::string(above)].subscribed_below = true; });
  }
  return tree;
}

} // namespace

std::uint16_t parse_status_items(Lexer& lexer) {
  std::uint16_t items = 0;
  const bool good = parenthesised(lexer, [&] {
    const auto word = lexer.atom();
    const auto found =
        std::ranges::find_if(kStatusNames, [&](const auto& one) { return word && iequals(one.first, *word); });
    if (found == std::end(kStatusNames)) return false;
    items |= found->second;
    return true;
  });
  return good ? items : std::uint16_t{0};
}

std::string status_text(const MailboxFacts& facts, std::uint16_t items, std::uint64_t append_limit) {
  std::string out;
  for (const auto& [name, item] : kStatusNames) {
    if ((items & item) == 0) continue;
    if (item == kMailboxIdItem) {
      fmt::format_to(std::back_inserter(out), "{}MAILBOXID ({})", out.empty() ? "" : " ", mailbox_id(facts.id));
      continue;
    }
    std::uint64_t value = 0;
    switch (item) {
      case kMessagesItem: value = facts.messages; break;
      case kUidNextItem: value = facts.uidnext; break;
      case kUidValidityItem: value = facts.uidvalidity; break;
      case kUnseenItem: value = facts.unseen; break;
      case kDeletedItem: value = facts.deleted; break;
      case kSizeItem: value = facts.octets; break;
      case kAppendLimitItem: value = append_limit; break;
      case kModSeqItem: value = static_cast<std::uint64_t>(facts.modseq); break;
      case kDeletedSizeItem: value = facts.deleted_octets; break;
      default: break;
    }
    fmt::format_to(std::back_inserter(out), "{}{} {}", out.empty() ? "" : " ", name, value);
  }
  return out;
}

std::optional<ListQuery> parse_list(Lexer& lexer, bool utf8, ListProblem& problem) {
  ListQuery query;
  problem = {true, "a reference and a pattern are expected"};
  if (!lexer.space()) return {};
  if (lexer.peek() == '(') {
    if (!parenthesised(lexer, [&] { return selection_option(lexer, query); }) || !lexer.space()) return {};
    if (query.recursive && !query.only_subscribed && !query.only_special) return {};
  }
  const auto reference = lexer.astring();
  if (!reference || !lexer.space()) return {};
  std::vector<std::string> patterns;
  const auto pattern = [&] {
    auto one = lexer.list_mailbox();
    if (one) patterns.push_back(std::move(*one));
    return one && patterns.size() <= kMaxPatterns;
  };
  if (lexer.peek() == '(' ? !parenthesised(lexer, pattern) : !pattern()) return {};
  if (lexer.space()) {
    if (!lexer.take_word("RETURN") || !lexer.space()) return {};
    if (!parenthesised(lexer, [&] { return return_option(lexer, query); })) return {};
  }
  if (!lexer.at_end() || patterns.empty()) return {};
  const auto above = read_pattern(*reference, utf8);
  problem = {false, "that is no name"};
  if (!above) return {};
  query.root = patterns.size() == 1 && patterns[0].empty();
  for (const std::string& one : patterns) {
    const auto read = read_pattern(one, utf8);
    if (!read) return {};
    auto whole = read_pattern(joined(*above, *read), true);
    if (whole) query.patterns.push_back(std::move(*whole));
  }
  return query;
}

std::optional<std::vector<ListLine>> list_lines(const ListQuery& query, const Folders& folders) {
  const Tree tree = tree_of(folders);
  std::uint64_t patterns = 0, names = 0;
  for (const std::string& one : query.patterns) patterns += wild_octets(one);
  for (const auto& [name, place] : tree) names += name.size();
  if (patterns * names > kMostCompared) return {};
  std::vector<ListLine> lines;
  for (const auto& [name, place] : tree) {
    const auto matches = [&, &name = name](const std::string& pattern) { return name_matches(pattern, name); };
    if (!std::ranges::any_of(query.patterns, matches)) continue;
    ListLine line{name, place.facts, place.subscribed, place.has_children};
    const bool special = place.facts != nullptr && place.facts->special_use != 0;
    bool wanted = query.only_subscribed ? place.subscribed : place.facts != nullptr || place.has_children;
    if (query.only_special) wanted = wanted && special;
    if (query.recursive && query.only_subscribed && place.subscribed_below) wanted = line.child_subscribed = true;
    if (wanted) lines.push_back(std::move(line));
  }
  return lines;
}

} // namespace paquebot::imap
