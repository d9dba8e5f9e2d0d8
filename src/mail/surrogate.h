#pragma once

#include "mail/head.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mail {

/// Turns a message into the surrogate of RFC 6858 that a POP3 client without UTF8 gets (RFC 6856 section 2.1), as it
/// streams by: header fields with octets beyond ASCII are rewritten (surrogate_field.h), in the message's own head and,
/// at every level of its MIME structure, in the heads of its parts and of messages in it that aren't encoded. Bodies,
/// preambles and epilogues pass unchanged, 8-bit text too: its charset says what it is (RFC 2045), and every POP3
/// client takes it. A message without such fields comes out octet for octet.
///
/// RFC 6858 and not 6857: it needs no parser for every field there is. What it leaves out is still on the server for a
/// client that says UTF8.
///
/// Memory: one field of at most 64 KiB (in longer ones, and in all once the fields have grown by a MiB, "?" stands for
/// what is beyond ASCII), and the boundaries of at most 100 levels; what lies deeper passes as it is. Linear time,
/// however the message is cut.
class Surrogate {
public:
  /// The next piece, and whether it is the last one. Returns what to send instead: a view into `piece`, or into this
  /// object until the next call.
  std::string_view feed(std::string_view piece, bool last);

private:
  /// An open multipart.
  struct Level {
    std::string boundary;
    bool digest = false; ///< parts without a type are messages (RFC 2046 section 5.1.5)
  };
  enum class Place : unsigned char { head, body, rest };

  void take_head(std::string_view& piece);
  void take_body(std::string_view& piece);
  void head_line(std::string_view line);
  void end_field();
  void end_head();
  bool at_delimiter(std::string_view line);
  void note_field(std::string_view field);

  Place place_ = Place::head;
  std::vector<Level> levels_;
  std::string out_;
  std::string line_;       ///< the beginning of a line: of a head, or of what may be a delimiter
  bool line_start_ = true; ///< body: the next octet begins a line
  bool cut_ = false;       ///< head: what comes next continues a line that was too long to keep
  std::string field_;      ///< with its folded lines
  std::size_t grown_ = 0;  ///< octets that fields grew by, in all
  bool overlong_ = false;  ///< the field went beyond its bound: its octets pass, "?" for those beyond ASCII
  std::string type_;       ///< value of the Content-Type of the head being read
  bool encoded_ = false;   ///< it has a Content-Transfer-Encoding that hides what is inside
  bool typed_ = false;
  bool default_message_ = false;
};

} // namespace paquebot::mail
