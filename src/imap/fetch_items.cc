#include "imap/fetch_items.h"

#include "base/text.h"
#include "imap/write.h"
#include "mail/head.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::imap {
namespace {

using Kind = FetchItem::Kind;
using Text = FetchItem::Text;

constexpr std::pair<std::string_view, Kind> kSimpleItems[] = {{"FLAGS", Kind::flags},
                                                              {"UID", Kind::uid},
                                                              {"INTERNALDATE", Kind::internal_date},
                                                              {"RFC822.SIZE", Kind::size},
                                                              {"ENVELOPE", Kind::envelope},
                                                              {"BODYSTRUCTURE", Kind::body_structure},
                                                              {"MODSEQ", Kind::modseq},
                                                              {"SAVEDATE", Kind::save_date},
                                                              {"EMAILID", Kind::email_id},
                                                              {"THREADID", Kind::thread_id}};

struct OldItem {
  std::string_view name;
  Text text;
  bool peek;
};
constexpr OldItem kOldItems[] = {
    {"RFC822.HEADER", Text::header, true}, {"RFC822.TEXT", Text::text, false}, {"RFC822", Text::whole, false}};

bool part_numbers(Lexer& lexer, FetchItem& item) {
  while (is_digit(lexer.peek())) {
    const auto number = lexer.number();
    if (!number || *number == 0 || *number > UINT32_MAX || item.part.size() == kMaxPartDepth) return false;
    item.part.push_back(static_cast<std::uint32_t>(*number));
    if (!lexer.take('.')) return true;
    if (!is_digit(lexer.peek())) return lexer.peek() != ']'; // the words follow
  }
  return true;
}

bool field_names(Lexer& lexer, FetchItem& item) {
  if (!lexer.space() || !lexer.take('(')) return false;
  do {
    auto name = lexer.astring();
    if (!name || item.fields.size() == kMaxFieldNames) return false;
    item.fields.push_back(std::move(*name));
  } while (lexer.space() && lexer.peek() != ')');
  return lexer.take(')');
}

bool section_words(Lexer& lexer, FetchItem& item) {
  if (lexer.peek() == ']') return true;
  if (lexer.take_word("HEADER.FIELDS.NOT")) {
    item.text = Text::header_fields_not;
    return field_names(lexer, item);
  }
  if (lexer.take_word("HEADER.FIELDS")) {
    item.text = Text::header_fields;
    return field_names(lexer, item);
  }
  if (lexer.take_word("HEADER"))
    item.text = Text::header;
  else if (lexer.take_word("TEXT"))
    item.text = Text::text;
  else if (!item.part.empty() && lexer.take_word("MIME"))
    item.text = Text::mime;
  else
    return false;
  return true;
}

bool partial(Lexer& lexer, FetchItem& item) {
  if (!lexer.take('<')) return true;
  const auto offset = lexer.number();
  const auto most = offset && lexer.take('.') ? lexer.number() : std::nullopt;
  if (!most || *most == 0 || !lexer.take('>')) return false;
  item.offset = *offset;
  item.most = *most;
  return true;
}

std::string label_of(std::string_view name, const FetchItem& item) {
  std::string out(name);
  out += '[';
  for (std::size_t i = 0; i < item.part.size(); ++i) out += fmt::format("{}{}", i == 0 ? "" : ".", item.part[i]);
  if (!item.part.empty() && item.text != Text::whole) out += '.';
  constexpr std::string_view kWords[] = {"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"};
  out += kWords[static_cast<std::size_t>(item.text)];
  if (!item.fields.empty()) {
    out += " (";
    for (std::size_t i = 0; i < item.fields.size(); ++i) {
      if (i > 0) out += ' ';
      const bool atom = !item.fields[i].empty() && std::ranges::all_of(item.fields[i], is_atom_char);
      if (atom)
        out += item.fields[i];
      else
        put_string(out, item.fields[i]);
    }
    out += ')';
  }
  out += ']';
  if (item.offset && item.kind != Kind::binary_size) out += fmt::format("<{}>", *item.offset);
  return out;
}

/// Behind "BODY" or "BINARY", at its bracket.
std::optional<FetchItem> section(Lexer& lexer, Kind kind, bool peek, std::string_view name) {
  FetchItem item;
  item.kind = kind;
  item.peek = peek;
  if (!lexer.take('[') || !part_numbers(lexer, item)) return {};
  if (kind == Kind::section && !section_words(lexer, item)) return {};
  if (!lexer.take(']')) return {};
  if (kind != Kind::binary_size && !partial(lexer, item)) return {};
  item.label = label_of(name, item);
  return item;
}

std::optional<FetchItem> one_item(Lexer& lexer) {
  for (const auto& [name, kind] : kSimpleItems)
    if (lexer.take_word(name)) return simple_item(kind, name);
  for (const OldItem& old : kOldItems)
    if (lexer.take_word(old.name)) {
      FetchItem item = simple_item(Kind::section, old.name);
      item.text = old.text;
      item.peek = old.peek;
      return item;
    }
  if (lexer.take_word("PREVIEW")) {
    // There is always time for it. Other parentheses are modifiers of FETCH.
    constexpr std::string_view kLazy = " (LAZY)";
    if (istarts_with(lexer.rest(), kLazy)) lexer.space(), lexer.take('('), lexer.take_word("LAZY"), lexer.take(')');
    return simple_item(Kind::preview, "PREVIEW");
  }
  if (lexer.take_word("BODY.PEEK")) return section(lexer, Kind::section, true, "BODY");
  if (lexer.take_word("BODY")) {
    if (lexer.peek() == '[') return section(lexer, Kind::section, false, "BODY");
    return simple_item(Kind::body, "BODY");
  }
  if (lexer.take_word("BINARY.PEEK")) return section(lexer, Kind::binary, true, "BINARY");
  if (lexer.take_word("BINARY.SIZE")) return section(lexer, Kind::binary_size, true, "BINARY.SIZE");
  if (lexer.take_word("BINARY")) return section(lexer, Kind::binary, false, "BINARY");
  return {};
}

std::optional<std::vector<FetchItem>> macro(Lexer& lexer) {
  std::vector<FetchItem> items{simple_item(Kind::flags, "FLAGS"), simple_item(Kind::internal_date, "INTERNALDATE"),
                               simple_item(Kind::size, "RFC822.SIZE")};
  if (lexer.take_word("FAST")) return items;
  const bool full = lexer.take_word("FULL");
  if (!full && !lexer.take_word("ALL")) return {};
  items.push_back(simple_item(Kind::envelope, "ENVELOPE"));
  if (full) items.push_back(simple_item(Kind::body, "BODY"));
  return items;
}

} // namespace

FetchItem simple_item(Kind kind, std::string_view label) {
  FetchItem item;
  item.kind = kind;
  item.label = label;
  return item;
}

std::optional<std::vector<FetchItem>> parse_fetch_items(Lexer& lexer) {
  if (auto items = macro(lexer)) return items;
  std::vector<FetchItem> items;
  const bool list = lexer.take('(');
  do {
    auto item = one_item(lexer);
    if (!item || items.size() == kMaxItems) return {};
    items.push_back(std::move(*item));
  } while (list && lexer.space() && lexer.peek() != ')');
  if (list && !lexer.take(')')) return {};
  return items;
}

bool parse_fetch_modifiers(Lexer& lexer, FetchModifiers& modifiers) {
  if (lexer.at_end()) return true;
  if (!lexer.space() || !lexer.take('(')) return false;
  for (bool first = true; !lexer.take(')'); first = false) {
    if (!first && !lexer.space()) return false;
    if (!modifiers.changed_since && lexer.take_word("CHANGEDSINCE")) {
      const auto modseq = lexer.space() ? lexer.number() : std::nullopt;
      if (!modseq || *modseq > INT64_MAX) return false;
      modifiers.changed_since = static_cast<std::int64_t>(*modseq);
    } else if (modifiers.vanished || !lexer.take_word("VANISHED")) {
      return false;
    } else {
      modifiers.vanished = true;
    }
  }
  return lexer.at_end() && modifiers.changed_since.has_value();
}

std::string chosen_fields(std::string_view head, const FetchItem& item) {
  std::string out;
  auto parsed = mail::Head::parse(std::string(head));
  if (parsed)
    for (const mail::Field& field : *parsed) {
      const auto named = [&](const std::string& name) { return iequals(field.name(), name); };
      const bool listed = !field.name().empty() && std::ranges::any_of(item.fields, named);
      if (listed == (item.text == FetchItem::Text::header_fields)) out += field.raw;
    }
  return out + "\r\n";
}

} // namespace paquebot::imap
