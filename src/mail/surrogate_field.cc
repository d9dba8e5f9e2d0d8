#include "mail/surrogate_field.h"

#include "base/text.h"
#include "mail/address.h"
#include "mail/encoded_word.h"
#include "mail/head.h"

#include <algorithm>
#include <array>
#include <vector>

namespace paquebot::mail {
namespace {

constexpr std::string_view kInvalid = "<invalid@internationalized-address.invalid>"; // RFC 6858 section 2.1

/// RFC 6858 section 2.1.
constexpr std::array kAddressFields = {std::string_view("Bcc"),         std::string_view("Cc"),
                                       std::string_view("From"),        std::string_view("Reply-To"),
                                       std::string_view("Resent-Bcc"),  std::string_view("Resent-Cc"),
                                       std::string_view("Resent-From"), std::string_view("Resent-Sender"),
                                       std::string_view("Resent-To"),   std::string_view("Return-Path"),
                                       std::string_view("Sender"),      std::string_view("To")};

bool any_of(std::string_view name, auto& names) {
  return std::ranges::any_of(names, [&](std::string_view other) { return iequals(name, other); });
}

/// Walks over structured text and knows where it is inside quotes, a comment, a domain literal or angle brackets.
class Lexer {
public:
  /// True when `c` is text by itself; false inside of what was opened before it, or when it opens something.
  bool plain(char c) {
    if (escaped_) {
      escaped_ = false;
      return false;
    }
    if (c == '\\') {
      escaped_ = quoted_ || comment_ > 0;
      return false;
    }
    if (quoted_) {
      quoted_ = c != '"';
      return false;
    }
    if (c == '(') ++comment_;
    if (comment_ > 0) {
      if (c == ')') --comment_;
      return false;
    }
    if (c == '"') {
      quoted_ = true;
      return false;
    }
    return true;
  }
  bool in_comment() const { return comment_ > 0; }

private:
  bool escaped_ = false;
  bool quoted_ = false;
  std::size_t comment_ = 0;
};

/// Splits at every plain character that `ends` names; each piece keeps the one that ended it.
std::vector<std::string_view> pieces(std::string_view text, std::string_view ends) {
  std::vector<std::string_view> found;
  Lexer lexer;
  bool angle = false;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!lexer.plain(text[at])) continue;
    if (text[at] == '<') angle = true;
    if (text[at] == '>') angle = false;
    if (angle || ends.find(text[at]) == std::string_view::npos) continue;
    found.push_back(text.substr(start, at + 1 - start));
    start = at + 1;
  }
  if (start < text.size()) found.push_back(text.substr(start));
  return found;
}

/// The text without comments and folding, and for a phrase also without its quotes and escapes.
std::string plain_words(std::string_view text, bool quotes) {
  std::string out;
  Lexer lexer;
  bool comment = false;
  for (char c : text) {
    const bool was = comment;
    lexer.plain(c);
    comment = lexer.in_comment();
    if (was || comment || (!quotes && (c == '"' || c == '\\'))) continue;
    out += c == '\r' || c == '\n' || c == '\t' ? ' ' : c;
  }
  return std::string(trim(out));
}

/// One address of a list, without what separates it from the next.
std::string surrogate_address(std::string_view text) {
  Lexer lexer;
  std::size_t open = std::string_view::npos, close = text.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!lexer.plain(text[at])) continue;
    if (text[at] == '<') open = at;
    if (text[at] == '>') close = at;
  }
  const bool bracketed = open != std::string_view::npos && close > open;
  const std::string name = bracketed ? plain_words(text.substr(0, open), false) : std::string();
  const std::string address = plain_words(bracketed ? text.substr(open + 1, close - open - 1) : text, true);
  const std::string shown =
      is_ascii(name) && name.find_first_of("()<>[]:;@\\,.\"") == std::string::npos ? name : encode_words(name);
  const std::string gap = shown.empty() ? "" : " ";
  if (is_ascii(address)) return shown + gap + "<" + address + ">";
  const std::size_t sign = address.rfind('@');
  if (sign != std::string::npos && is_ascii(std::string_view(address).substr(0, sign))) {
    if (auto domain = normalize_domain(std::string_view(address).substr(sign + 1))) {
      return shown + gap + "<" + address.substr(0, sign + 1) + *domain + ">";
    }
  }
  return encode_words(name.empty() ? address : name + " " + address) + " " + std::string(kInvalid);
}

/// An address list, with groups.
std::string surrogate_addresses(std::string_view value) {
  std::string out;
  for (std::string_view piece : pieces(value, ",:;")) {
    if (is_ascii(piece)) {
      out += piece;
      continue;
    }
    const char end = piece.back();
    const bool ended = end == ',' || end == ':' || end == ';';
    if (ended) piece.remove_suffix(1);
    out += out.empty() ? " " : "\r\n ";
    out += end == ':' && ended ? encode_words(plain_words(piece, false)) : surrogate_address(piece);
    if (ended) out += end;
  }
  return out;
}

/// The words from the first to the last that need it become encoded words; the others stay readable as they are.
std::string surrogate_text(std::string_view value) {
  const std::string text = unfold(value);
  const auto beyond = [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; };
  const auto first = std::ranges::find_if(text, beyond);
  const auto last = std::find_if(text.rbegin(), text.rend(), beyond).base();
  std::size_t start = static_cast<std::size_t>(first - text.begin());
  std::size_t end = static_cast<std::size_t>(last - text.begin());
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (start > 0 && !blank(text[start - 1])) --start;
  while (end < text.size() && !blank(text[end])) ++end;
  return " " + text.substr(0, start) + encode_words(std::string_view(text).substr(start, end - start)) +
         text.substr(end);
}

/// Section 2.2: parameters that are not ASCII are left out. Empty when what stands before the first one isn't.
std::string surrogate_parameters(std::string_view value) {
  std::string out;
  for (std::string_view piece : pieces(value, ";")) {
    if (piece.ends_with(';')) piece.remove_suffix(1);
    if (!is_ascii(piece)) {
      if (out.empty()) return {};
      continue;
    }
    if (!out.empty()) out += ';';
    out += piece;
  }
  return out;
}

std::string question_marks(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; }, '?');
  return out;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > 32 && c < 127; });
}

} // namespace

std::string surrogate_field(std::string_view raw) {
  const std::size_t colon = raw.find(':');
  const std::string_view name = trim(raw.substr(0, colon));
  if (colon == std::string_view::npos || !is_name(name)) return question_marks(raw);
  std::string_view value = raw.substr(colon + 1);
  while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
  std::string shown;
  if (iequals(name, "Subject"))
    shown = surrogate_text(value);
  else if (any_of(name, kAddressFields))
    shown = surrogate_addresses(value);
  else if (iequals(name, "Content-Type") || iequals(name, "Content-Disposition"))
    shown = surrogate_parameters(value);
  if (shown.empty()) return {};
  return std::string(name) + ":" + shown + "\r\n";
}

} // namespace paquebot::mail
