#include "imap/search_program.h"

#include "base/clock.h"
#include "base/text.h"
#include "imap/flags.h"
#include "imap/texts.h"
#include "imap/write.h"
#include "mail/date.h"
#include "mail/head.h"

#include <algorithm>
#include <utility>

namespace paquebot::imap {
namespace {

using Key = SearchNode::Key;

constexpr std::size_t kMaxNeedle = 1000;

struct FlagKey {
  std::string_view name;
  std::uint64_t bit;
  bool wanted;
};
constexpr FlagKey kFlagKeys[] = {{"ANSWERED", kAnswered, true},  {"DELETED", kDeleted, true},
                                 {"DRAFT", kDraft, true},        {"FLAGGED", kFlagged, true},
                                 {"SEEN", kSeen, true},          {"UNANSWERED", kAnswered, false},
                                 {"UNDELETED", kDeleted, false}, {"UNDRAFT", kDraft, false},
                                 {"UNFLAGGED", kFlagged, false}, {"UNSEEN", kSeen, false}};
constexpr std::pair<std::string_view, Key> kDateKeys[] = {{"BEFORE", Key::before},
                                                          {"ON", Key::on},
                                                          {"SINCE", Key::since},
                                                          {"SENTBEFORE", Key::sent_before},
                                                          {"SENTON", Key::sent_on},
                                                          {"SENTSINCE", Key::sent_since},
                                                          {"SAVEDBEFORE", Key::saved_before},
                                                          {"SAVEDON", Key::saved_on},
                                                          {"SAVEDSINCE", Key::saved_since}};
constexpr std::pair<std::string_view, std::string_view> kFieldKeys[] = {
    {"BCC", "Bcc"}, {"CC", "Cc"}, {"FROM", "From"}, {"SUBJECT", "Subject"}, {"TO", "To"}};

SearchNode negated(SearchNode node) {
  SearchNode out;
  out.key = Key::none_of;
  out.children.push_back(std::move(node));
  return out;
}

/// Reads a program by descent.
class SearchReader {
public:
  SearchReader(Lexer& lexer, const ResolveSet& resolve, std::int64_t now, SearchProgram& program)
      : lexer_(lexer), resolve_(resolve), now_(now), program_(program) {}

  SearchProblem read() {
    if (!lexer_.space()) return SearchProblem::malformed;
    if (lexer_.take_word("RETURN") && !(lexer_.space() && returns() && lexer_.space())) return SearchProblem::malformed;
    if (lexer_.take_word("CHARSET")) {
      const auto name = lexer_.space() ? lexer_.astring() : std::nullopt;
      if (!name || !lexer_.space()) return SearchProblem::malformed;
      program_.charset = true;
      if (!iequals(*name, "UTF-8") && !iequals(*name, "US-ASCII")) return SearchProblem::charset;
    }
    do {
      SearchNode node;
      if (!key(node, 0)) return SearchProblem::malformed;
      program_.root.children.push_back(std::move(node));
    } while (lexer_.space());
    return lexer_.at_end() ? SearchProblem::none : SearchProblem::malformed;
  }

private:
  bool returns() {
    program_.extended = true;
    if (!lexer_.take('(')) return false;
    for (bool first = true; !lexer_.take(')'); first = false) {
      if (!first && !lexer_.space()) return false;
      if (lexer_.take_word("MIN"))
        program_.minimum = true;
      else if (lexer_.take_word("MAX"))
        program_.maximum = true;
      else if (lexer_.take_word("ALL"))
        program_.all = true;
      else if (lexer_.take_word("COUNT"))
        program_.count = true;
      else if (lexer_.take_word("SAVE"))
        program_.save = true;
      else
        return false;
    }
    if (!program_.minimum && !program_.maximum && !program_.count && !program_.save) program_.all = true;
    return true;
  }

  bool key(SearchNode& out, std::size_t depth) {
    if (depth > kMaxSearchDepth || ++keys_ > kMaxSearchKeys) return false;
    if (lexer_.peek() == '(') return group(out, depth);
    if (is_digit(lexer_.peek()) || lexer_.peek() == '*' || lexer_.peek() == '$') return set(out, false);
    const auto word = lexer_.atom();
    if (!word) return false;
    // \Recent is not kept: all are old.
    if (iequals(*word, "ALL") || iequals(*word, "OLD") || iequals(*word, "SAVEDATESUPPORTED")) return true;
    if (iequals(*word, "RECENT") || iequals(*word, "NEW")) {
      out = negated({});
      return true;
    }
    if (iequals(*word, "NOT")) {
      SearchNode child;
      if (!lexer_.space() || !key(child, depth + 1)) return false;
      out = negated(std::move(child));
      return true;
    }
    if (iequals(*word, "OR")) return either(out, depth);
    if (iequals(*word, "UID")) return lexer_.space() && set(out, true);
    return flag_key(*word, out) || valued_key(*word, out);
  }

  bool group(SearchNode& out, std::size_t depth) {
    lexer_.take('(');
    do {
      SearchNode child;
      if (!key(child, depth + 1)) return false;
      out.children.push_back(std::move(child));
    } while (lexer_.space());
    return lexer_.take(')');
  }

  bool either(SearchNode& out, std::size_t depth) {
    out.key = Key::one_of;
    for (int i = 0; i < 2; ++i) {
      SearchNode child;
      if (!lexer_.space() || !key(child, depth + 1)) return false;
      out.children.push_back(std::move(child));
    }
    return true;
  }

  bool set(SearchNode& out, bool by_uid) {
    const auto text = lexer_.sequence_set();
    auto uids = text ? resolve_(*text, by_uid) : std::nullopt;
    if (!uids) return false;
    out.key = Key::uids;
    out.set = std::move(*uids);
    return true;
  }

  static bool flag_key(std::string_view word, SearchNode& out) {
    const auto found = std::ranges::find_if(kFlagKeys, [&](const FlagKey& one) { return iequals(one.name, word); });
    if (found == std::end(kFlagKeys)) return false;
    SearchNode node;
    node.key = Key::flag;
    node.number = found->bit;
    out = found->wanted ? std::move(node) : negated(std::move(node));
    return true;
  }

  bool valued_key(std::string_view word, SearchNode& out) {
    if (!lexer_.space()) return false;
    for (const auto& [name, which] : kDateKeys)
      if (iequals(word, name)) return day(out, which);
    if (iequals(word, "LARGER") || iequals(word, "SMALLER")) {
      const auto number = lexer_.number();
      out.key = iequals(word, "LARGER") ? Key::larger : Key::smaller;
      out.number = number.value_or(0);
      return number.has_value();
    }
    if (iequals(word, "OLDER") || iequals(word, "YOUNGER")) return interval(out, iequals(word, "OLDER"));
    if (iequals(word, "MODSEQ")) return modseq(out);
    if (iequals(word, "EMAILID") || iequals(word, "THREADID")) return object_id(out, iequals(word, "EMAILID"));
    if (iequals(word, "KEYWORD") || iequals(word, "UNKEYWORD")) {
      const auto name = lexer_.flag();
      if (!name) return false;
      SearchNode node;
      node.key = Key::keyword;
      node.name = *name;
      out = iequals(word, "KEYWORD") ? std::move(node) : negated(std::move(node));
      return true;
    }
    if (iequals(word, "BODY") || iequals(word, "TEXT"))
      return needle(out, iequals(word, "BODY") ? Key::body : Key::text);
    out.key = Key::header;
    if (iequals(word, "HEADER")) {
      auto name = lexer_.astring();
      if (!name || !lexer_.space()) return false;
      out.name = std::move(*name);
      return value(out.text);
    }
    for (const auto& [name, field] : kFieldKeys)
      if (iequals(word, name)) {
        out.name = field;
        return value(out.text);
      }
    return false;
  }

  bool day(SearchNode& out, Key which) {
    std::optional<std::string> text;
    if (lexer_.peek() == '"')
      text = lexer_.string();
    else if (const auto word = lexer_.atom())
      text = std::string(*word);
    const auto when = text ? parse_date(*text) : std::nullopt;
    if (!when) return false;
    out.key = which;
    out.number = static_cast<std::uint64_t>(*when);
    return true;
  }

  /// RFC 5032: seconds, at least one.
  bool interval(SearchNode& out, bool older) {
    const auto seconds = lexer_.number();
    if (!seconds || *seconds == 0 || *seconds > UINT32_MAX) return false;
    out.key = older ? Key::older : Key::younger;
    out.number = static_cast<std::uint64_t>(now_ - static_cast<std::int64_t>(*seconds) * 1000);
    return true;
  }

  /// RFC 7162 section 3.1.5. All flags of a message have one modseq here: which is named does not matter.
  bool modseq(SearchNode& out) {
    if (lexer_.peek() == '"') {
      const auto entry = lexer_.string();
      if (!entry || !istarts_with(*entry, "/flags/") || !lexer_.space()) return false;
      if (!lexer_.take_word("all") && !lexer_.take_word("priv") && !lexer_.take_word("shared")) return false;
      if (!lexer_.space()) return false;
    }
    const auto number = lexer_.number();
    if (!number || *number > INT64_MAX) return false;
    out.key = Key::modseq;
    out.number = *number;
    program_.modseqs = true;
    return true;
  }

  /// RFC 8474 section 6. There are no threads: none has such an id.
  bool object_id(SearchNode& out, bool email) {
    auto id = lexer_.astring();
    if (!id || id->empty() || id->size() > 255) return false;
    if (!email) {
      out = negated({});
      return true;
    }
    out.key = Key::email;
    out.text = std::move(*id);
    return true;
  }

  bool value(std::string& into) {
    const auto text = lexer_.astring();
    if (!text || text->size() > kMaxNeedle) return false;
    into = fold_text(*text);
    return true;
  }

  bool needle(SearchNode& out, Key which) {
    std::string text;
    if (!value(text)) return false;
    if (text.empty()) return true; // in all of them
    out.key = which;
    const auto known = std::ranges::find(program_.needles, text);
    out.number = static_cast<std::uint64_t>(known - program_.needles.begin());
    if (known == program_.needles.end()) program_.needles.push_back(std::move(text));
    return program_.needles.size() <= 50;
  }

  Lexer& lexer_;
  const ResolveSet& resolve_;
  const std::int64_t now_;
  SearchProgram& program_;
  std::size_t keys_ = 0;
};

Verdict known(bool yes) { return yes ? Verdict::yes : Verdict::no; }

Verdict judge_header(const SearchNode& node, const std::string& head) {
  const auto fields = mail::Head::parse(head);
  if (!fields) return Verdict::no;
  for (const mail::Field& field : *fields)
    if (field.is(node.name) && (node.text.empty() || fold_value(field.value()).find(node.text) != std::string::npos))
      return Verdict::yes;
  return Verdict::no;
}

/// RFC 9051 section 6.4.4: the day as the sender wrote it, whatever the zone.
Verdict judge_sent(const SearchNode& node, const std::string& head) {
  const auto fields = mail::Head::parse(head);
  const auto when = fields ? mail::parse_date(fields->value("Date")) : std::nullopt;
  if (!when) return Verdict::no;
  const auto day = day_of(millis(*when));
  const auto wanted = static_cast<std::int64_t>(node.number);
  if (node.key == Key::sent_before) return known(day < wanted);
  return known(node.key == Key::sent_on ? day == wanted : day >= wanted);
}

Verdict judge_needle(const SearchNode& node, const SearchFacts& facts) {
  const auto index = static_cast<std::size_t>(node.number);
  if (node.key == Key::text) {
    if (facts.in_head == nullptr) return Verdict::unknown;
    if ((*facts.in_head)[index]) return Verdict::yes;
  }
  return facts.in_body == nullptr ? Verdict::unknown : known((*facts.in_body)[index]);
}

Verdict judge_leaf(const SearchNode& node, const SearchFacts& facts) {
  const Row& row = *facts.row;
  const auto wanted = static_cast<std::int64_t>(node.number);
  switch (node.key) {
    case Key::flag: return known((row.flags & node.number) != 0);
    case Key::keyword: {
      const auto has = [&](const Keyword& k) { return iequals(k.name, node.name) && (row.flags >> k.bit & 1) != 0; };
      return known(std::ranges::any_of(*facts.keywords, has));
    }
    case Key::before: return known(day_of(row.internal_date) < wanted);
    case Key::on: return known(day_of(row.internal_date) == wanted);
    case Key::since: return known(day_of(row.internal_date) >= wanted);
    case Key::saved_before: return known(day_of(row.saved) < wanted);
    case Key::saved_on: return known(day_of(row.saved) == wanted);
    case Key::saved_since: return known(day_of(row.saved) >= wanted);
    case Key::older: return known(row.internal_date <= wanted);
    case Key::younger: return known(row.internal_date >= wanted);
    case Key::modseq: return known(row.modseq >= wanted);
    case Key::email: return known(email_id(row.email) == node.text);
    case Key::larger: return known(row.size > node.number);
    case Key::smaller: return known(row.size < node.number);
    default: return Verdict::unknown;
  }
}

} // namespace

SearchProblem parse_search(Lexer& lexer, const ResolveSet& resolve, std::int64_t now, SearchProgram& program) {
  const SearchProblem problem = SearchReader(lexer, resolve, now, program).read();
  return problem;
}

Verdict judge(const SearchNode& node, const SearchFacts& facts) {
  switch (node.key) {
    case Key::all_of:
    case Key::one_of: {
      const Verdict decides = node.key == Key::all_of ? Verdict::no : Verdict::yes;
      Verdict out = node.key == Key::all_of ? Verdict::yes : Verdict::no;
      for (const SearchNode& child : node.children) {
        const Verdict one = judge(child, facts);
        if (one == decides) return decides;
        if (one == Verdict::unknown) out = Verdict::unknown;
      }
      return out;
    }
    case Key::none_of: {
      const Verdict one = node.children.empty() ? Verdict::yes : judge(node.children[0], facts);
      return one == Verdict::unknown ? one : known(one == Verdict::no);
    }
    case Key::uids: return known(contains(node.set, facts.row->uid));
    case Key::header: return facts.head == nullptr ? Verdict::unknown : judge_header(node, *facts.head);
    case Key::sent_before:
    case Key::sent_on:
    case Key::sent_since: return facts.head == nullptr ? Verdict::unknown : judge_sent(node, *facts.head);
    case Key::body:
    case Key::text: return judge_needle(node, facts);
    default: return judge_leaf(node, facts);
  }
}

} // namespace paquebot::imap
