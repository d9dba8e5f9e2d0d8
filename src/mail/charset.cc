#include "mail/charset.h"

#include "base/encoding.h"
#include "base/text.h"
#include "mail/transfer_encoding.h"

#include <algorithm>
#include <array>
#include <iconv.h>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace paquebot::mail {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

/// What people's programs write. Names as the C library knows them; none that can be made to misbehave has ever been
/// needed in mail.
constexpr auto kCharsets = std::to_array<const char*>({
    "iso-8859-1",   "iso-8859-2",   "iso-8859-3",   "iso-8859-4",   "iso-8859-5",   "iso-8859-6",   "iso-8859-7",
    "iso-8859-8",   "iso-8859-9",   "iso-8859-10",  "iso-8859-13",  "iso-8859-14",  "iso-8859-15",  "iso-8859-16",
    "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256",
    "windows-1257", "windows-1258", "koi8-r",       "koi8-u",       "tis-620",      "shift_jis",    "euc-jp",
    "iso-2022-jp",  "euc-kr",       "gb2312",       "gbk",          "gb18030",      "big5",         "utf-16",
    "utf-16le",     "utf-16be",
});

/// One of the C library's converters, used by one at a time.
class Converter {
public:
  explicit Converter(const char* charset) : handle_(iconv_open("UTF-8", charset)) {}
  ~Converter() {
    if (works()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  bool works() const { return handle_ != iconv_t(-1); }

  std::string convert(std::string_view octets) {
    const std::lock_guard lock(mutex_);
    iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    std::string in(octets), out, part(4096, '\0');
    char* from = in.data();
    std::size_t left = in.size();
    while (left > 0) {
      char* to = part.data();
      std::size_t room = part.size();
      const std::size_t before = left;
      const std::size_t done = iconv(handle_, &from, &left, &to, &room);
      out.append(part, 0, part.size() - room);
      const bool stands = done == std::size_t(-1) && left == before && room == part.size();
      if (!stands || left == 0) continue;
      out += kReplacement;
      ++from;
      --left;
    }
    return out;
  }

private:
  iconv_t handle_;
  std::mutex mutex_;
};

using Converters = std::map<std::string, std::unique_ptr<Converter>, std::less<>>;

const Converters& converters() {
  static const Converters all = [] {
    Converters made;
    for (const char* name : kCharsets) {
      auto one = std::make_unique<Converter>(name);
      if (one->works()) made.emplace(name, std::move(one));
    }
    return made;
  }();
  return all;
}

/// Whatever is no UTF-8 becomes U+FFFD, and so does NUL, which some readers stop at.
std::string mend_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || text.front() == '\0')
      out += kReplacement;
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

/// What is in common use under another name.
std::string known_name(std::string_view charset) {
  std::string name = to_lower(trim(charset));
  if (name == "latin1" || name == "iso8859-1" || name == "iso_8859-1" || name == "iso-8859-1")
    return "windows-1252"; // as browsers read it: it has what the other leaves out
  if (name == "ks_c_5601-1987" || name == "cp949" || name == "windows-949") return "euc-kr";
  if (name == "cp1252") return "windows-1252";
  if (name == "cp1251") return "windows-1251";
  if (name == "cp932" || name == "windows-31j" || name == "x-sjis") return "shift_jis";
  if (name == "cp936" || name == "x-gbk") return "gbk";
  if (name == "windows-874") return "tis-620";
  return name;
}

/// "=?utf-8?q?caf=C3=A9?=" at the front of `text`.
struct CharsetWord {
  std::string_view charset;
  std::string octets;
  std::size_t length = 0; ///< of all of it in the text
};

std::optional<CharsetWord> read_word(std::string_view text) {
  if (!text.starts_with("=?")) return {};
  const auto charset_end = text.find('?', 2);
  if (charset_end == text.npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?') return {};
  const char kind = text[charset_end + 1];
  const auto begin = charset_end + 3;
  const auto end = text.find("?=", begin);
  if (end == text.npos) return {};
  const std::string_view inner = text.substr(begin, end - begin);
  if (inner.find_first_of(" \t?") != inner.npos) return {};
  CharsetWord word;
  const std::string_view charset = text.substr(2, charset_end - 2);
  word.charset = charset.substr(0, charset.find('*')); // RFC 2231 section 5: a language
  word.length = end + 2;
  if (kind == 'b' || kind == 'B') {
    auto octets = base64_decode(inner);
    if (!octets) return {};
    word.octets = std::move(*octets);
  } else if (kind == 'q' || kind == 'Q') {
    std::string spaced(inner);
    for (char& c : spaced)
      if (c == '_') c = ' ';
    word.octets = quoted_printable_decode(spaced + "x"); // a space at the end is one here
    word.octets.pop_back();
  } else {
    return {};
  }
  return word;
}

} // namespace

std::string to_utf8(std::string_view octets, std::string_view charset) {
  const std::string name = known_name(charset);
  if (name.empty() || name == "utf-8" || name == "utf8" || name == "us-ascii") return mend_utf8(octets);
  const auto found = converters().find(name);
  return mend_utf8(found == converters().end() ? std::string(octets) : found->second->convert(octets));
}

std::string words_in_utf8(std::string_view value) {
  std::string out, octets, charset;
  const auto flush = [&] {
    out += to_utf8(octets, charset);
    octets.clear();
  };
  while (!value.empty()) {
    const auto word = read_word(value);
    if (!word) {
      const char c = value.front();
      out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
      value.remove_prefix(1);
      continue;
    }
    // A character may go on in the next word, against RFC 2047 section 5; blanks between words are none (section 6.2).
    if (!octets.empty() && !iequals(charset, word->charset)) flush();
    charset = word->charset;
    octets += word->octets;
    value.remove_prefix(word->length);
    const std::string_view rest = value.substr(std::min(value.find_first_not_of(" \t\r\n"), value.size()));
    if (read_word(rest))
      value = rest;
    else
      flush();
  }
  return mend_utf8(out);
}

void load_charsets() { (void)converters(); }

} // namespace paquebot::mail
