#include "imap/arrange.h"

#include "base/text.h"
#include "imap/envelope.h"
#include "imap/texts.h"
#include "mail/date.h"
#include "mail/head.h"

#include <algorithm>

namespace paquebot::imap {
namespace {

constexpr std::size_t kMostText = 255; ///< octets of a text in a key

bool is_blank(char c) { return c == ' ' || c == '\t'; }

void drop_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

/// subj-blob: "[list] ".
bool take_blob(std::string_view& text) {
  if (!text.starts_with('[')) return false;
  const std::size_t end = text.find_first_of("[]", 1);
  if (end == std::string_view::npos || text[end] != ']') return false;
  text.remove_prefix(end + 1);
  drop_blanks(text);
  return true;
}

/// subj-refwd: "re [x]:". The text is in lower case.
bool take_answer_word(std::string_view& text) {
  std::string_view rest = text;
  if (rest.starts_with("re"))
    rest.remove_prefix(2);
  else if (rest.starts_with("fwd"))
    rest.remove_prefix(3);
  else if (rest.starts_with("fw"))
    rest.remove_prefix(2);
  else
    return false;
  drop_blanks(rest);
  static_cast<void>(take_blob(rest));
  if (!rest.starts_with(':')) return false;
  rest.remove_prefix(1);
  text = rest;
  return true;
}

/// One run of steps 2 to 5.
void strip_once(std::string_view& text, bool& answer) {
  for (;;) {
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    if (!text.ends_with("(fwd)")) break;
    text.remove_suffix(5);
    answer = true;
  }
  for (bool more = true; more;) {
    drop_blanks(text);
    // subj-leader: blobs, and a word of an answer. When none follows, all blobs go but one that is the last of all.
    std::string_view rest = text;
    while (take_blob(rest))
      if (!rest.empty()) text = rest;
    more = take_answer_word(rest);
    if (!more) break;
    answer = true;
    text = rest;
  }
}

std::string with_single_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const char one = c == '\t' || c == '\r' || c == '\n' ? ' ' : c;
    if (one == '\0' || (one == ' ' && out.ends_with(' '))) continue;
    out += one;
  }
  return out;
}

std::string first_mailbox(std::string_view value) {
  for (const EnvelopeAddress& one : envelope_addresses(value))
    if (!one.group_begins && !one.group_ends) return fold_text(one.mailbox);
  return {};
}

void put_number(std::string& key, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(number >> shift & 0xFF);
}

/// Behind it nothing of the next one can count.
void put_text(std::string& key, std::string_view text) {
  const std::size_t begin = key.size();
  for (const char c : text) {
    if (key.size() - begin == kMostText) break;
    if (c != '\0') key += c;
  }
  key += '\0';
}

std::uint64_t ascending(std::int64_t time) { return static_cast<std::uint64_t>(time) ^ std::uint64_t{1} << 63; }

} // namespace

BaseSubject base_subject(std::string_view value) {
  BaseSubject out;
  const std::string folded = with_single_blanks(fold_value(value));
  std::string_view text = folded;
  for (;;) {
    strip_once(text, out.answer);
    if (!text.starts_with("[fwd:") || !text.ends_with(']')) break;
    text.remove_prefix(5);
    text.remove_suffix(1);
    out.answer = true;
  }
  out.text = text;
  return out;
}

std::optional<std::vector<SortCriterion>> parse_sort_criteria(Lexer& lexer) {
  using Key = SortCriterion::Key;
  static constexpr std::pair<std::string_view, Key> kKeys[] = {
      {"ARRIVAL", Key::arrival}, {"CC", Key::cc},           {"DATE", Key::date}, {"FROM", Key::from},
      {"SIZE", Key::size},       {"SUBJECT", Key::subject}, {"TO", Key::to}};
  constexpr std::size_t kMost = 20;
  std::vector<SortCriterion> criteria;
  if (!lexer.take('(')) return {};
  do {
    SortCriterion one{};
    one.reverse = lexer.take_word("REVERSE");
    if (one.reverse && !lexer.space()) return {};
    const auto word = lexer.atom();
    const auto known = std::ranges::find_if(kKeys, [&](const auto& key) { return word && iequals(*word, key.first); });
    if (known == std::end(kKeys) || criteria.size() == kMost) return {};
    one.key = known->second;
    criteria.push_back(one);
  } while (lexer.space());
  if (!lexer.take(')')) return {};
  return criteria;
}

bool needs_head(const std::vector<SortCriterion>& criteria) {
  return std::ranges::any_of(criteria, [](const SortCriterion& one) {
    return one.key != SortCriterion::Key::arrival && one.key != SortCriterion::Key::size;
  });
}

std::string sort_key(const std::vector<SortCriterion>& criteria, const Row& row, const std::string& head) {
  using Key = SortCriterion::Key;
  const auto fields = mail::Head::parse(head);
  const auto value = [&](std::string_view name) { return fields ? fields->value(name) : std::string(); };
  std::string key;
  for (const SortCriterion& one : criteria) {
    const std::size_t begin = key.size();
    switch (one.key) {
      case Key::arrival: put_number(key, ascending(row.internal_date)); break;
      case Key::size: put_number(key, row.size); break;
      case Key::date: put_number(key, ascending(sent_date(row, head))); break;
      case Key::cc: put_text(key, first_mailbox(value("Cc"))); break;
      case Key::from: put_text(key, first_mailbox(value("From"))); break;
      case Key::to: put_text(key, first_mailbox(value("To"))); break;
      case Key::subject: put_text(key, base_subject(value("Subject")).text); break;
    }
    if (!one.reverse) continue;
    for (std::size_t i = begin; i < key.size(); ++i) key[i] = static_cast<char>(~key[i]);
  }
  return key;
}

std::int64_t sent_date(const Row& row, const std::string& head) {
  const auto fields = mail::Head::parse(head);
  const auto when = fields ? mail::parse_date(fields->value("Date")) : std::nullopt;
  return when ? millis(*when) : row.internal_date;
}

std::vector<std::string> message_ids(std::string_view value, std::size_t most) {
  std::vector<std::string> ids;
  for (std::size_t at = 0; (at = value.find('<', at)) != std::string_view::npos;) {
    const std::size_t end = value.find_first_of("<>", at + 1);
    if (end == std::string_view::npos) break;
    if (value[end] == '<') { // the one before was not closed
      at = end;
      continue;
    }
    std::string id;
    for (const char c : value.substr(at + 1, end - at - 1))
      if (c != '\r' && c != '\n' && !is_blank(c)) id += c;
    at = end + 1;
    if (id.empty() || id.size() > 998 || std::ranges::find(ids, id) != ids.end()) continue;
    ids.push_back(std::move(id));
    if (ids.size() > most) ids.erase(ids.begin());
  }
  return ids;
}

} // namespace paquebot::imap
