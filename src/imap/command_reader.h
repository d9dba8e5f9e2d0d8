#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::imap {

/// A literal that a line has announced (RFC 9051, literal; RFC 7888).
struct Literal {
  std::uint64_t size = 0;
  bool waits = true;   ///< the client waits for "+" before it sends the octets
  bool binary = false; ///< literal8 (RFC 3516): may hold NUL
};

/// Cuts input into commands: lines with the literals in them. A literal stays in the text as it came, "{3}\r\nabc", so
/// that the Lexer finds it again. What was used is overwritten (it may have been a password).
class CommandReader {
public:
  enum class Status : std::uint8_t {
    none,     ///< append more
    command,  ///< text() is one, without its last line end; until the next call of next()
    literal,  ///< text() goes on with literal(): take(), stream() or skip() it
    too_long, ///< said once for more than the bound; the rest of the line is skipped
  };

  CommandReader() = default;
  ~CommandReader();
  CommandReader(const CommandReader&) = delete;
  CommandReader& operator=(const CommandReader&) = delete;

  void append(std::string_view bytes);
  /// `most`: octets of one command with its literals that were taken. `lines_only`: nothing announces a literal.
  Status next(std::size_t most, bool lines_only = false);
  std::string_view text() const { return text_; }
  const Literal& literal() const { return literal_; }
  /// Of what was too long: its first word, at most 64 octets, else nothing.
  std::string_view first_word() const { return first_word_; }
  /// The literal becomes part of the command.
  void take();
  /// Its octets are handed out by piece(), and are no part of text().
  void stream();
  /// They are dropped, and so is the rest of the command: what comes next is another one.
  void skip();
  /// The command is over, whatever was announced: a client that waits sends nothing of it.
  void abandon();

  bool streaming() const { return mode_ == Mode::stream; }
  /// What is here of a literal that is streamed, at most `most` octets; they are used up with it.
  std::string_view piece(std::size_t most);
  std::uint64_t left() const { return left_; } ///< of the literal under way

  /// Nothing waits, and nothing of a command is here.
  bool empty() const { return used_ == input_.size(); }
  void clear();

private:
  enum class Mode : std::uint8_t { line, literal, stream, skip, skip_line };

  void drop_used();
  void begin();
  void grow(std::string& text, std::string_view bytes);
  bool announces_literal(std::string_view line);
  Status too_long(std::string_view line);

  std::string input_; ///< not handed out yet, from used_ on
  std::size_t used_ = 0;
  std::size_t scanned_ = 0; ///< of input_, without a line end
  std::string text_;
  std::string first_word_;
  Literal literal_;
  std::uint64_t left_ = 0;
  Mode mode_ = Mode::line;
  bool fresh_ = true; ///< the next line begins a command
};

} // namespace paquebot::imap
