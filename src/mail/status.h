#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace paquebot::mail {

/// Enhanced status code, RFC 3463: class.subject.detail. All zero means "none".
struct EnhancedCode {
  std::uint8_t klass = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;

  bool operator==(const EnhancedCode&) const = default;
  explicit operator bool() const { return klass != 0; }
  std::string to_string() const;
  /// Reads "5.1.1" at the start of `text`, followed by the end or white space; nothing otherwise.
  static std::optional<EnhancedCode> parse(std::string_view text);
};

/// One SMTP reply, ours or a peer's. `text` is what follows the codes; it may hold '\n' between lines,
/// and never CR or other control characters. `cause` is private: for logs and the trail, never sent.
struct Reply {
  std::uint16_t code = 0;
  EnhancedCode enhanced;
  std::string text;
  std::string cause;
  bool heard = false; ///< read from a peer: `text` is its words, not ours

  Reply() = default;
  Reply(std::uint16_t c, EnhancedCode e, std::string t, std::string why = {})
      : code(c), enhanced(e), text(std::move(t)), cause(std::move(why)) {}

  bool positive() const { return code >= 200 && code < 400; }
  bool transient() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500; }
  /// "550 5.1.1 no such user here": one line, for trails, reports and logs.
  std::string to_string() const;
  /// As it goes on the wire: every line with its code (and enhanced code), "-" but for the last, CRLF.
  /// Control characters are replaced, lines cut to the 512 octets of RFC 5321 section 4.5.3.1.5.
  void append_wire(std::string& out) const;
};

} // namespace paquebot::mail
