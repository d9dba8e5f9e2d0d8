#include "sink/search.h"

#include "base/text.h"
#include "base/units.h"
#include "mail/timestamp.h"

#include <algorithm>

namespace paquebot::sink {
namespace {

constexpr std::size_t kMostTerms = 50;
constexpr std::string_view kFields[] = {"from",    "to",     "cc",      "bcc",  "reply-to", "addressed",
                                        "subject", "tag",    "inbox",   "is",   "has",      "message-id",
                                        "larger",  "before", "smaller", "after"};

bool within(std::string_view text, const std::string& wanted) {
  return to_lower(text).find(wanted) != std::string::npos;
}

bool names(const Person& person, const std::string& wanted) {
  return within(person.name, wanted) || within(person.address, wanted);
}
bool names(const std::vector<Person>& people, const std::string& wanted) {
  return std::ranges::any_of(people, [&](const Person& one) { return names(one, wanted); });
}

bool is_addressed(const Message& m, const std::string& wanted) {
  const Brief& b = m.brief;
  return names(b.from, wanted) || names(b.to, wanted) || names(b.cc, wanted) || names(b.bcc, wanted) ||
         names(b.reply_to, wanted) || within(m.envelope.from, wanted) ||
         std::ranges::any_of(m.envelope.to, [&](const std::string& one) { return within(one, wanted); });
}

bool is_blind(const Message& m, const std::string& wanted) {
  return std::ranges::any_of(blind_of(m), [&](const std::string& one) { return within(one, wanted); });
}

/// "2026-11-24", or with a time behind it, in UTC.
std::optional<WallTime> day_or_time(std::string_view text) {
  std::string whole(text);
  std::ranges::transform(whole, whole.begin(), [](char c) { return c == 't' ? 'T' : c == 'z' ? 'Z' : c; });
  std::ranges::replace(whole, '/', '-');
  if (whole.size() == 10) whole += "T00:00:00Z";
  if (!whole.ends_with('Z')) whole += 'Z';
  return mail::parse_timestamp(whole);
}

} // namespace

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!(text = trim(text)).empty()) {
    if (query.terms_.size() == kMostTerms) return fail(Errc::invalid, "there are more than 50 terms");
    const bool negated = text.front() == '-' || text.front() == '!';
    if (negated) text.remove_prefix(1);
    std::string term;
    bool quoted = false, was_quoted = false;
    std::size_t end = 0;
    for (; end < text.size() && (quoted || !is_space(text[end])); ++end) {
      if (text[end] == '"') {
        quoted = !quoted;
        was_quoted = was_quoted || term.empty();
      } else {
        term += text[end];
      }
    }
    text.remove_prefix(end);
    if (term.empty()) continue;
    auto read = was_quoted ? Result<Term>(Term{.value = to_lower(term), .negated = negated}) : read_term(term, negated);
    if (!read) return std::unexpected(read.error());
    query.terms_.push_back(std::move(*read));
  }
  return query;
}

/// What has a colon and no known word before it is looked for as it is: "https://", "10:30".
Result<Query::Term> Query::read_term(std::string_view text, bool negated) {
  Term term{.value = to_lower(text), .negated = negated};
  const std::size_t colon = text.find(':');
  const std::string field = to_lower(text.substr(0, std::min(colon, text.size())));
  if (colon == std::string_view::npos || std::ranges::find(kFields, field) == std::end(kFields)) return term;
  term.field = field;
  term.value = to_lower(trim(text.substr(colon + 1)));
  const auto wrong = [&](std::string_view why) {
    return fail(Errc::invalid, field + ":" + printable(term.value, 100) + ": " + std::string(why));
  };
  if (term.value.empty()) return wrong("there is nothing behind the colon");
  if (field == "larger" || field == "smaller") {
    const auto octets = parse_octets(term.value);
    if (!octets) return wrong("this is no size; write 10k or 2M");
    term.number = static_cast<std::int64_t>(*octets);
  } else if (field == "before" || field == "after") {
    const auto time = day_or_time(term.value);
    if (!time) return wrong("this is no day; write 2026-11-24, or 2026-11-24T10:00:00Z");
    term.number = millis(*time);
  } else if (field == "is") {
    if (term.value != "read" && term.value != "unread" && term.value != "tagged")
      return wrong("a message is read, unread or tagged");
  } else if (field == "has") {
    if (term.value == "attachments") term.value = "attachment";
    if (term.value == "inlines") term.value = "inline";
    if (term.value != "attachment" && term.value != "inline") return wrong("a message has attachment or inline");
  }
  return term;
}

bool Query::fits(const Term& term, const Message& m) {
  const Brief& b = m.brief;
  const std::string& value = term.value;
  const std::string& field = term.field;
  if (field.empty())
    return b.words.find(value) != std::string::npos || is_addressed(m, value) || within(b.message_id, value);
  if (field == "from") return names(b.from, value) || within(m.envelope.from, value);
  if (field == "to") return names(b.to, value);
  if (field == "cc") return names(b.cc, value);
  if (field == "bcc") return names(b.bcc, value) || is_blind(m, value);
  if (field == "reply-to") return names(b.reply_to, value);
  if (field == "addressed") return is_addressed(m, value);
  if (field == "subject") return within(b.subject, value);
  if (field == "message-id") return within(b.message_id, value);
  if (field == "inbox") return m.inboxes.contains(value);
  if (field == "tag")
    return std::ranges::any_of(m.tags, [&](const std::string& one) { return to_lower(one) == value; });
  if (field == "larger") return m.raw->size() > static_cast<std::uint64_t>(term.number);
  if (field == "smaller") return m.raw->size() < static_cast<std::uint64_t>(term.number);
  if (field == "before") return millis(m.received) < term.number;
  if (field == "after") return millis(m.received) >= term.number;
  if (field == "has") return (value == "inline" ? b.inlines : b.attachments) > 0;
  if (value == "tagged") return !m.tags.empty();
  return m.read == (value == "read");
}

bool Query::fits(const Message& message) const {
  return std::ranges::all_of(terms_, [&](const Term& term) { return fits(term, message) != term.negated; });
}

} // namespace paquebot::sink
