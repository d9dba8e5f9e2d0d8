#include "mail/readings.h"

#include "base/encoding.h"
#include "base/text.h"
#include "mail/head.h"
#include "mail/lines.h"

#include <algorithm>
#include <glib.h>
#include <optional>
#include <set>
#include <utility>

namespace paquebot::mail {
namespace {

/// Octets behind an "@" that may be a domain.
constexpr std::size_t kMostDomainOctets = 300;
constexpr std::string_view kDelimiters = "<>,;:\"()[] \t\r\n@";

bool is_stray_control(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < ' ' && c != '\t') || octet == 127;
}
bool ends_reading(char c) { return kDelimiters.find(c) != std::string_view::npos || is_stray_control(c); }
bool is_of_host(char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; }

// ---- Forms of the text

/// Without comments that are closed; `stop`, unless it is 0, stands in their place. Nothing: one that nests, or holds
/// an escape, or is never closed, which not all programs read alike, unless `lenient`.
std::optional<std::string> without_comments(std::string_view text, char stop, bool lenient) {
  std::string out;
  std::size_t depth = 0, kept = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && (quoted || depth > 0)) {
      if (depth > 0 && !lenient) return {};
      if (depth == 0) out += text.substr(i, 2);
      ++i;
    } else if (depth == 0) {
      if (c == '"') quoted = !quoted;
      if (c == '(' && !quoted) {
        depth = 1;
        kept = i;
        if (stop != 0) out += stop;
        continue;
      }
      if (c == ')' && !quoted && !lenient) return {};
      out += c;
    } else if (c == '(') {
      if (!lenient) return {};
      ++depth;
    } else if (c == ')') {
      --depth;
    }
  }
  if ((depth > 0 || quoted) && !lenient) return {};
  if (depth > 0) out += text.substr(kept);
  return out;
}

/// With '"' in the place of each quoted string.
std::string without_quoted(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
      if (quoted) out += '"';
    } else if (quoted) {
      if (text[i] == '\\') ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// With what is in quotes and around them in one, as some programs leave the quotes out.
std::string without_quotes(std::string text) {
  std::erase(text, '"');
  return text;
}

/// Without the white space around "@" and ".", which RFC 5322 section 4.4 allows within an address.
std::string pulled_together(std::string_view text) {
  const auto pulls = [](char c) { return c == '@' || c == '.'; };
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_space(text[end])) ++end;
    const bool drop = (i > 0 && pulls(text[i - 1])) || (end < text.size() && pulls(text[end]));
    if (!drop) out += text.substr(i, end - i);
    if (end < text.size()) out += text[end];
    i = end + 1;
  }
  return out;
}

/// With words drawn together as some programs do within a domain ("a@exam ple.test", "<a@exam><ple.test>"), but for one
/// that is the local part of the next address.
std::string drawn_together(std::string_view text) {
  const auto end_of_word = [&](std::size_t at) {
    while (at < text.size() && is_of_host(text[at])) ++at;
    return at;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t next = i;
    while (next < text.size() && (is_space(text[next]) || text[next] == '<' || text[next] == '>')) ++next;
    const std::size_t end = end_of_word(next);
    const bool join =
        next > i && i > 0 && is_of_host(text[i - 1]) && end > next && (end == text.size() || text[end] != '@');
    if (!join) out.append(text.substr(i, std::max<std::size_t>(next - i, 1)));
    i = std::max(next, i + 1) - 1;
  }
  return out;
}

std::string without_controls(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!is_stray_control(c)) out += c;
  return out;
}

/// A CR or LF that is not of the folding stays: some programs take it for the end of the line.
std::string unfolded_field(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.substr(i, 2) == "\r\n")
      ++i;
    else
      out += value[i];
  }
  return std::string(trim(out));
}

/// Whether UTF-8 text has a blank beyond ASCII, or what is not shown at all: to some programs an address ends there.
bool has_other_blank(const std::string& text) {
  constexpr gunichar kByteOrderMark = 0xFEFF;
  for (const char* at = text.c_str(); *at != 0; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (c > 127 && (g_unichar_isspace(c) || g_unichar_iszerowidth(c) || c == kByteOrderMark)) return true;
  }
  return false;
}

bool is_clean_text(const std::string& text) {
  return std::ranges::none_of(text, is_stray_control) && is_utf8(text) && !has_other_blank(text);
}

int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() && text[i] == '=' ? hex_of(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_of(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

/// Whatever is no letter of the alphabet is passed over, and padding is not needed.
std::string decode_b(std::string_view text) {
  std::string letters;
  for (const char c : text)
    if (is_alnum(c) || c == '+' || c == '/') letters += c;
  if (letters.size() % 4 == 1) letters.pop_back();
  while (letters.size() % 4 != 0) letters += '=';
  return base64_decode(letters).value_or(std::string());
}

struct EncodedWord {
  std::string text;
  std::size_t end = 0;
};

/// The one that begins at `at`, where "=?" stands.
std::optional<EncodedWord> encoded_word_at(std::string_view text, std::size_t at) {
  constexpr std::size_t kMostCharset = 80;
  const std::size_t mark = text.substr(0, std::min(text.size(), at + kMostCharset)).find('?', at + 2);
  if (mark == std::string_view::npos || mark + 2 >= text.size() || text[mark + 2] != '?') return {};
  const char encoding = text[mark + 1];
  const bool q = encoding == 'q' || encoding == 'Q', b = encoding == 'b' || encoding == 'B';
  if (!q && !b) return {};
  const std::size_t begin = mark + 3;
  const std::size_t end = text.find("?=", begin);
  if (end == std::string_view::npos) return {};
  const std::string_view content = text.substr(begin, end - begin);
  return EncodedWord{q ? decode_q(content) : decode_b(content), end + 2};
}

// ---- What stands around each "@"

class Collector {
public:
  Collector(Readings& into, std::size_t most) : into_(into), most_(most) {}

  void scan(std::string_view text) {
    for (std::size_t at = text.find('@'); at != std::string_view::npos && !into_.more; at = text.find('@', at + 1)) {
      std::size_t begin = at + 1;
      while (begin < text.size() && std::string_view("[<(\"").find(text[begin]) != std::string_view::npos) ++begin;
      std::size_t end = begin;
      while (end < text.size() && end - begin < kMostDomainOctets && !ends_reading(text[end])) ++end;
      std::size_t local = at;
      while (local > 0 && at - local < kMaxLocalPart && !ends_reading(text[local - 1])) --local;
      read(std::string(text.substr(local, at - local)), text.substr(begin, end - begin));
    }
  }

  void add(Address address) {
    if (!seen_.emplace(address.local, address.domain).second) return;
    if (into_.addresses.size() == most_) {
      into_.more = true;
      return;
    }
    into_.addresses.push_back(std::move(address));
  }

private:
  /// As it stands; up to the first character that no host name of ASCII has, which may be a blank or an end to some
  /// programs, beyond ASCII too; and without all such characters.
  void read(const std::string& local, std::string_view domain) {
    if (domain.empty() || !looked_at_.emplace(local, domain).second) return;
    const auto strange = std::ranges::find_if_not(domain, is_of_host);
    const bool whole = read_name(local, domain);
    if (strange == domain.end() && whole) return;
    const std::string_view cut = domain.substr(0, static_cast<std::size_t>(strange - domain.begin()));
    if (!is_letter_of_one(cut)) read_name(local, cut);
    if (whole) return; // an international name, which nobody shows without its letters
    std::string repaired;
    for (const char c : domain)
      if (is_of_host(c) && !(c == '.' && repaired.ends_with('.'))) repaired += c;
    read_name(local, repaired);
  }

  /// "mail.b", of "mail.b\xc3\xbccher.test": no domain of one letter is at the top.
  static bool is_letter_of_one(std::string_view cut) { return cut.size() > 1 && cut[cut.size() - 2] == '.'; }

  /// Without dots around it; and without hyphens too, which some programs take for what stands around the address.
  bool read_name(const std::string& local, std::string_view name) {
    const std::string_view plain = stripped(name, "."), core = stripped(name, ".-");
    const bool whole = read_plain(local, plain);
    if (core != plain) read_plain(local, core);
    return whole;
  }

  static std::string_view stripped(std::string_view name, std::string_view of) {
    const auto begin = name.find_first_not_of(of);
    if (begin == std::string_view::npos) return {};
    return name.substr(begin, name.find_last_not_of(of) - begin + 1);
  }

  bool read_plain(const std::string& local, std::string_view name) {
    auto domain = normalize_domain(name);
    if (!domain) return false;
    const auto dot = domain->rfind('.');
    if (dot == std::string::npos)
      return true; // a word, or a host of somebody's network: nobody can publish a policy for it
    const std::string_view last = std::string_view(*domain).substr(dot + 1);
    if (std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; })) return true;
    add({local, std::move(*domain)});
    return true;
  }

  Readings& into_;
  std::size_t most_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::set<std::pair<std::string, std::string>> looked_at_;
};

/// What programs may read besides, of a list that is well-formed; nothing: it isn't so plain that all read it alike.
bool read_tidy(const std::string& text, const std::vector<Address>& list, Collector& into) {
  const auto removed = without_comments(text, 0, false);
  const auto stopped = without_comments(text, '(', false);
  if (!removed || !stopped) return false;
  const std::string open = without_quoted(*removed);
  if (static_cast<std::size_t>(std::ranges::count(open, '@')) != list.size()) return false; // routes
  if (std::ranges::any_of(list, [](const Address& a) { return a.local.find('@') != std::string::npos; })) return false;
  for (const Address& address : list) into.add(address);
  // Of these the local parts are known: only what a comment within a domain hides is new.
  const std::string cut = without_quoted(*stopped);
  return cut.find("(.") == std::string::npos && cut.find(".(") == std::string::npos;
}

void read_untidy(const std::string& text, Collector& into) {
  const std::string bare = without_comments(text, 0, true).value_or(text);
  for (const std::string& form : {text, bare}) {
    for (const std::string& decoded : {form, decode_words(form)}) {
      for (const std::string& clean : {decoded, without_controls(decoded)}) {
        for (const std::string& open : {clean, without_quotes(clean)}) {
          into.scan(open);
          into.scan(pulled_together(open));
          into.scan(drawn_together(open));
        }
      }
    }
  }
}

} // namespace

std::string decode_words(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  bool behind_word = false;
  const std::size_t last = text.rfind("?="); // behind it none ends
  for (std::size_t at = text.find("=?"); at < last && last != std::string_view::npos; at = text.find("=?", at)) {
    const auto word = encoded_word_at(text, at);
    if (!word) {
      ++at;
      continue;
    }
    // Blanks between two of them belong to none (RFC 2047 section 6.2).
    const std::string_view between = text.substr(done, at - done);
    if (!behind_word || !trim(between).empty()) out += between;
    out += word->text;
    at = done = word->end;
    behind_word = true;
  }
  out += text.substr(done);
  return out;
}

Readings readings_of(std::string_view value, std::size_t most) {
  Readings out;
  const std::string text = unfolded_field(value);
  const auto list = addresses_of(value, {.default_domain = {}, .most = std::min<std::size_t>(most, 1000)});
  const bool clean = is_clean_text(text);
  if (list && clean) {
    Collector collector(out, most);
    out.tidy = read_tidy(text, *list, collector);
    if (out.tidy) return out;
    out = Readings();
  }
  out.why = !clean ? "it has characters that are not allowed"
            : list ? "it may be read in several ways"
                   : list.error().message;
  out.more = text.size() > kMostUntidy;
  Collector collector(out, most);
  if (!out.more) read_untidy(text, collector);
  return out;
}

} // namespace paquebot::mail
