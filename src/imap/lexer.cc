#include "imap/lexer.h"

#include "base/text.h"

namespace paquebot::imap {
namespace {

constexpr bool is_ctl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
constexpr bool is_plain_word(char c) {
  return !is_ctl(c) && static_cast<unsigned char>(c) < 0x80 &&
         std::string_view("(){ %*\"\\]").find(c) == std::string_view::npos;
}

} // namespace

bool is_atom_char(char c) { return is_plain_word(c); }

template <class Allowed>
std::optional<std::string_view> Lexer::run(Allowed allowed) {
  const std::size_t start = at_;
  while (at_ < text_.size() && allowed(text_[at_])) ++at_;
  if (at_ == start) return {};
  return text_.substr(start, at_ - start);
}

bool Lexer::take(char c) {
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool Lexer::take_word(std::string_view word) {
  if (!istarts_with(rest(), word)) return false;
  const std::size_t after = at_ + word.size();
  const char next = after < text_.size() ? text_[after] : ' ';
  if (is_plain_word(next) && next != '[') return false; // BODY[…] has its bracket right behind
  at_ = after;
  return true;
}

bool Lexer::space() {
  if (!take(' ')) return false;
  while (take(' ')) {
  }
  return true;
}

std::optional<std::string_view> Lexer::atom() { return run(is_plain_word); }

std::optional<std::string_view> Lexer::tag() {
  return run([](char c) { return (is_plain_word(c) || c == ']') && c != '+'; });
}

std::optional<std::string> Lexer::quoted() {
  std::string out;
  for (++at_; at_ < text_.size(); ++at_) {
    char c = text_[at_];
    if (c == '"') {
      ++at_;
      return out;
    }
    if (c == '\\') {
      if (++at_ == text_.size()) return {};
      c = text_[at_];
      if (c != '"' && c != '\\') return {};
    }
    if (c == '\0' || c == '\r' || c == '\n') return {};
    out += c;
  }
  return {};
}

std::optional<std::string> Lexer::literal() {
  const auto close = text_.find("}\r\n", at_);
  if (close == std::string_view::npos) return {};
  std::string_view digits = text_.substr(at_ + 1, close - at_ - 1);
  if (digits.ends_with('+') || digits.ends_with('-')) digits.remove_suffix(1);
  const auto size = parse_u64(digits);
  const std::size_t start = close + 3;
  if (!size || *size > text_.size() - start) return {};
  at_ = start + *size;
  std::string out(text_.substr(start, *size));
  if (out.find('\0') != std::string::npos) return {};
  return out;
}

std::optional<std::string> Lexer::string() {
  if (peek() == '"') return quoted();
  if (peek() == '{') return literal();
  return {};
}

std::optional<std::string> Lexer::astring() {
  if (peek() == '"' || peek() == '{') return string();
  const auto word = run([](char c) { return is_plain_word(c) || c == ']'; });
  if (!word) return {};
  return std::string(*word);
}

std::optional<std::string> Lexer::nstring() {
  if (take_word("NIL")) return std::string();
  return string();
}

std::optional<std::string> Lexer::list_mailbox() {
  if (peek() == '"' || peek() == '{') return string();
  const auto word = run([](char c) { return is_plain_word(c) || c == '%' || c == '*' || c == ']'; });
  if (!word) return {};
  return std::string(*word);
}

std::optional<std::string_view> Lexer::flag() {
  const std::size_t start = at_;
  if (take('\\')) {
    if (take('*')) return text_.substr(start, at_ - start);
  }
  if (!run([](char c) { return is_plain_word(c) || c == ']'; })) return {};
  return text_.substr(start, at_ - start);
}

std::optional<std::uint64_t> Lexer::number() {
  const auto digits = run([](char c) { return is_digit(c); });
  if (!digits) return {};
  return parse_u64(*digits);
}

std::optional<std::string_view> Lexer::sequence_set() {
  return run([](char c) { return is_digit(c) || c == ':' || c == ',' || c == '*' || c == '$'; });
}

} // namespace paquebot::imap
