// What servers say, read without belief.
#include "base/text.h"
#include "cli/imap_client.h"
#include "imap/lexer.h"
#include "imap/mailbox_name.h"
#include "imap/write.h"

#include <algorithm>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMostFlags = 200;

/// "(\Seen $x)".
std::optional<std::vector<std::string>> words_in_parentheses(imap::Lexer& lexer) {
  std::vector<std::string> words;
  if (!lexer.take('(')) return {};
  while (!lexer.take(')')) {
    if (!words.empty() && !lexer.space()) return {};
    const auto word = lexer.flag();
    if (!word || words.size() == kMostFlags) return {};
    words.emplace_back(*word);
  }
  return words;
}

/// Behind the name of an item.
bool read_item(imap::Lexer& lexer, std::string_view name, ImapFacts& facts) {
  if (!lexer.space()) return false;
  if (iequals(name, "UID")) {
    const auto number = lexer.number();
    if (!number || *number == 0 || *number > UINT32_MAX) return false;
    facts.uid = static_cast<std::uint32_t>(*number);
    return true;
  }
  if (iequals(name, "RFC822.SIZE")) {
    const auto number = lexer.number();
    facts.size = number.value_or(0);
    return number.has_value();
  }
  if (iequals(name, "FLAGS")) {
    auto flags = words_in_parentheses(lexer);
    if (!flags) return false;
    facts.flags = std::move(*flags);
    return true;
  }
  auto text = lexer.nstring();
  if (!text) return false;
  if (iequals(name, "INTERNALDATE")) {
    if (const auto when = imap::parse_date_time(*text)) facts.date = from_millis(*when);
  } else {
    facts.fields = std::move(*text);
  }
  return true;
}

} // namespace

std::optional<ImapFacts> parse_imap_facts(std::string_view response) {
  imap::Lexer head(response);
  if (!head.take('*') || !head.space() || !head.number() || !head.space() || !head.take_word("FETCH") ||
      !head.space() || !head.take('('))
    return {};
  ImapFacts facts;
  std::string_view rest = head.rest();
  for (bool first = true;; first = false) {
    imap::Lexer lexer(rest);
    if (lexer.take(')')) break;
    if (!first && !lexer.space()) return {};
    rest = lexer.rest();
    // A section may have blanks in its brackets.
    std::size_t end = rest.find_first_of(" [");
    if (end != std::string_view::npos && rest[end] == '[') {
      end = rest.find(']', end);
      if (end != std::string_view::npos) ++end;
    }
    if (end == std::string_view::npos || end == 0) return {};
    imap::Lexer value(rest.substr(end));
    if (!read_item(value, rest.substr(0, end), facts)) return {};
    rest = value.rest();
  }
  if (facts.uid == 0) return {};
  return facts;
}

namespace {

std::optional<ImapFolder> parse_folder(std::string_view response, std::string_view kind) {
  imap::Lexer lexer(response);
  if (!lexer.take('*') || !lexer.space() || !lexer.take_word(kind) || !lexer.space()) return {};
  const auto attributes = words_in_parentheses(lexer);
  if (!attributes || !lexer.space()) return {};
  const auto delimiter = lexer.nstring();
  if (!delimiter || delimiter->size() > 1 || !lexer.space()) return {};
  auto wire = lexer.astring();
  if (!wire) return {};
  ImapFolder folder;
  folder.wire = std::move(*wire);
  for (const std::string& one : *attributes) {
    if (iequals(one, "\\Noselect") || iequals(one, "\\NonExistent")) return {};
    if (iequals(one, "\\Subscribed")) folder.subscribed = true;
    for (const std::string_view use : {"\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash"})
      if (iequals(one, use)) folder.use = use;
  }
  std::string levels = folder.wire;
  const char parts = delimiter->empty() ? '\0' : delimiter->front();
  for (char& c : levels) {
    if (c == parts)
      c = imap::kDelimiter;
    else if (c == imap::kDelimiter)
      c = '_'; // of one level here as well
  }
  auto name = imap::read_name(levels, false);
  if (!name && is_utf8(levels)) name = imap::read_name(levels, true);
  if (!name) return {};
  folder.name = std::move(*name);
  folder.prefixed = folder.name.starts_with("INBOX/");
  return folder;
}

} // namespace

std::optional<ImapFolder> parse_imap_folder(std::string_view response) { return parse_folder(response, "LIST"); }

std::optional<ImapFolder> parse_imap_subscription(std::string_view response) {
  auto folder = parse_folder(response, "LSUB");
  if (folder) folder->subscribed = true;
  return folder;
}

} // namespace paquebot::cli
