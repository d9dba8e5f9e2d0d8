// Reads the address lists of RFC 5322 sections 3.4 and 4.4 with a scanner of tokens and a small parser
// without recursion: groups do not nest, comments are counted.

#include "base/text.h"
#include "mail/head.h"
#include "mail/lines.h"

#include <optional>

namespace paquebot::mail {
namespace {

constexpr int kMaxComments = 100;

enum class Kind { end, word, quoted, literal, special, bad };

struct Token {
  Kind kind = Kind::end;
  std::string text; ///< a word, a quoted string without its quotes, a literal with its brackets
  char symbol = 0;  ///< of a special
};

bool is_special(char c) { return std::string_view("<>,;:@.").find(c) != std::string_view::npos; }
bool ends_word(char c) {
  return is_special(c) || is_space(c) || c == '"' || c == '(' || c == ')' || c == '[' || c == ']';
}

class Scanner {
public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Token next() {
    if (!skip_space_and_comments()) return {Kind::bad, {}, 0};
    if (at_ == text_.size()) return {};
    const char c = text_[at_];
    if (c == '"') return delimited('"', Kind::quoted);
    if (c == '[') return delimited(']', Kind::literal);
    if (is_special(c)) {
      ++at_;
      return {Kind::special, {}, c};
    }
    if (ends_word(c)) return {Kind::bad, {}, 0};
    const std::size_t start = at_;
    while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
    return {Kind::word, std::string(text_.substr(start, at_ - start)), 0};
  }

private:
  bool skip_space_and_comments() {
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '(') {
        if (++depth > kMaxComments) return false;
      } else if (depth == 0) {
        if (!is_space(c)) return true;
      } else if (c == ')') {
        --depth;
      } else if (c == '\\') {
        ++at_;
      }
    }
    if (at_ > text_.size()) at_ = text_.size();
    return depth == 0;
  }

  /// A quoted string or domain literal, its escapes and folding undone.
  Token delimited(char close, Kind kind) {
    Token token{kind, {}, 0};
    if (kind == Kind::literal) token.text += '[';
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == close) {
        ++at_;
        if (kind == Kind::literal) token.text += ']';
        return token;
      }
      if (c == '\r' || c == '\n') continue;
      if (c == '\\' && at_ + 1 < text_.size()) c = text_[++at_];
      token.text += c;
    }
    return {Kind::bad, {}, 0};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::unexpected<Error> malformed(std::string message) { return fail(Errc::invalid, std::move(message)); }

class ListParser {
public:
  ListParser(std::string_view text, const AddressListOptions& options) : scanner_(text), options_(options) {
    advance();
  }

  Result<std::vector<Address>> run() {
    while (token_.kind != Kind::end) {
      if (take(',')) continue; // obsolete: empty elements
      if (in_group_ && take(';')) {
        in_group_ = false;
        continue;
      }
      if (auto element = read_element(); !element) return std::unexpected(element.error());
      if (found_.size() > options_.most) return malformed("the address list is too long");
    }
    if (in_group_) return malformed("an address group is not closed");
    return std::move(found_);
  }

private:
  void advance() { token_ = scanner_.next(); }
  bool at(char symbol) const { return token_.kind == Kind::special && token_.symbol == symbol; }
  bool take(char symbol) {
    if (!at(symbol)) return false;
    advance();
    return true;
  }

  /// Words of a display name, a group's name or a local part: which one, the token after them tells.
  struct Words {
    std::string joined; ///< as a local part
    std::size_t count = 0;
    bool local_part = true; ///< words with dots between them
  };

  Words read_words() {
    Words words;
    bool expect_word = true;
    for (;; advance()) {
      const bool word = token_.kind == Kind::word || token_.kind == Kind::quoted;
      if (!word && !at('.')) break;
      if (word && !expect_word) words.local_part = false; // two words; of odd dots there are addresses
      words.joined += word ? token_.text : ".";
      words.count += word ? 1 : 0;
      expect_word = !word;
    }
    if (words.count == 0) words.local_part = false;
    return words;
  }

  Result<> read_element() {
    Words words = read_words();
    if (at('<')) {
      if (auto address = read_angle(); !address) return address;
    } else if (take(':')) {
      if (in_group_ || words.count == 0) return malformed("an address group is malformed");
      in_group_ = true;
      return {};
    } else if (auto address = read_address(std::move(words)); !address) {
      return address;
    }
    if (token_.kind == Kind::end || at(',') || (in_group_ && at(';'))) return {};
    return malformed("an address is followed by something else");
  }

  /// "<" [route] addr-spec ">", also the obsolete route of section 4.4.
  Result<> read_angle() {
    take('<');
    while (at('@') || at(',')) {
      if (take(',')) continue;
      take('@');
      if (auto domain = read_domain(); !domain) return std::unexpected(domain.error());
      if (take(':')) break;
      if (!at(',')) return malformed("a source route is malformed");
    }
    if (auto address = read_address(read_words()); !address) return address;
    if (!take('>')) return malformed("an address has no closing bracket");
    return {};
  }

  Result<> read_address(Words words) {
    if (!words.local_part) return malformed("an address is malformed");
    std::string domain(options_.default_domain);
    if (take('@')) {
      auto read = read_domain();
      if (!read) return std::unexpected(read.error());
      domain = std::move(*read);
    } else if (domain.empty()) {
      return malformed("an address has no domain");
    }
    auto address = make_address(std::move(words.joined), domain);
    if (!address) return std::unexpected(address.error());
    found_.push_back(std::move(*address));
    return {};
  }

  Result<std::string> read_domain() {
    std::string domain;
    if (token_.kind == Kind::literal) {
      domain = std::move(token_.text);
      advance();
      return domain;
    }
    for (;; advance()) {
      if (token_.kind != Kind::word) return malformed("the domain of an address is malformed");
      domain += token_.text;
      advance();
      if (!at('.')) return domain;
      domain += '.';
    }
  }

  Scanner scanner_;
  const AddressListOptions& options_;
  Token token_;
  bool in_group_ = false;
  std::vector<Address> found_;
};

} // namespace

Result<std::vector<Address>> addresses_of(std::string_view value, const AddressListOptions& options) {
  return ListParser(value, options).run();
}

} // namespace paquebot::mail
