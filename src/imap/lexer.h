#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::imap {

/// Reads the words of a command (RFC 9051 section 9) from left to right. Each reader takes what it is for and gives it,
/// or takes nothing that counts and gives nothing: then the command is malformed.
class Lexer {
public:
  explicit Lexer(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::string_view rest() const { return text_.substr(at_); }
  std::size_t position() const { return at_; }

  bool take(char c);
  bool take_word(std::string_view word); ///< in any case, where no other ATOM-CHAR but "[" follows
  bool space();                          ///< exactly one; more are let pass, as many clients write them

  std::optional<std::string_view> atom();
  std::optional<std::string_view> tag(); ///< no "+"
  std::optional<std::string> string();   ///< quoted or literal
  std::optional<std::string> astring();
  /// nothing for malformed; NIL gives an empty one.
  std::optional<std::string> nstring();
  std::optional<std::string> list_mailbox();
  std::optional<std::string_view> flag(); ///< "\Seen", a keyword, or "\*"
  std::optional<std::uint64_t> number();
  std::optional<std::string_view> sequence_set();

private:
  template <class Allowed>
  std::optional<std::string_view> run(Allowed allowed);
  std::optional<std::string> quoted();
  std::optional<std::string> literal();

  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_atom_char(char c);

} // namespace paquebot::imap
