#pragma once

#include "base/result.h"
#include "mail/content_scan.h"
#include "mail/content_type.h"
#include "mail/head.h"
#include "mail/transfer_encoding.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mail {

/// Turns a message with 8-bit content into one that a 7-bit peer takes (RFC 6152 section 3), as it streams by.
/// Every part that holds octets beyond ASCII, NUL or lines beyond 998 octets becomes quoted-printable
/// (text) or base64 (the rest, and text that is mostly not ASCII); parts that are fine stay as they are.
/// Works in linear time, keeps at most a window of 64 KiB of a part and one part's head.
///
/// Fails with Errc::unsupported when the message cannot be changed: raw 8-bit in any header block (would
/// need SMTPUTF8), 8-bit inside multipart/signed, inside a part that claims another encoding, or in
/// message/partial and message/external-body. In the preamble and epilogue of a multipart, which nobody
/// reads, such octets become "?". After a failure the object is of no further use.
///
/// Example: `converter.start(head, out)`, then `feed(chunk, out)` for each chunk of the body, then `finish(out)`;
/// `out` then holds the whole new message, head first, and may be sent and cleared between calls.
class SevenBitConverter {
public:
  /// `head`: the header block with its empty line.
  Result<> start(std::string_view head, std::string& out);
  Result<> feed(std::string_view chunk, std::string& out);
  Result<> finish(std::string& out);

private:
  /// Where in the structure the next line belongs.
  enum class Place { head, leaf, between };
  enum class Mode { undecided, quoted_printable, base64, opaque };

  /// An open multipart.
  struct Level {
    std::string boundary;
    bool digest = false;  ///< parts without a type are messages (RFC 2046 section 5.1.5)
    bool started = false; ///< its first delimiter was seen
  };
  struct Delimiter {
    std::size_t level;
    bool close;
  };

  Result<> result() const;
  void refuse(std::string_view why);
  void piece(std::string_view text, bool starts_line, bool ends_line);
  std::optional<Delimiter> delimiter(std::string_view line) const;
  void between(std::string_view text);
  void at_delimiter(Delimiter d, std::string_view line);
  void head_line(std::string_view text, bool starts_line);
  void finish_head();
  void open_part(Head head);
  void leaf_piece(std::string_view text, bool ends_line);
  void leaf_write(std::string_view bytes);
  void finish_leaf();
  void decide(bool window_full);
  void encode(std::string_view bytes);
  void write_head(std::string_view encoding, bool always);

  std::string* out_ = nullptr;
  std::optional<Error> error_;
  std::string line_;            ///< a line cut by the end of a chunk
  bool line_continues_ = false; ///< line_ is not the beginning of its line

  Place place_ = Place::head;
  std::vector<Level> levels_;
  bool replaced_ = false;    ///< 8-bit text lost before the innermost multipart's first delimiter
  std::string head_bytes_;   ///< of the part being read
  bool message_head_ = true; ///< of a whole message, not of a part of a multipart
  bool default_message_ = false;

  Mode mode_ = Mode::undecided;
  Head part_head_;
  ContentType part_type_;
  std::string held_; ///< a line end that belongs to the delimiter, if one follows
  std::string window_;
  ContentScan scan_;
  QuotedPrintableEncoder quoted_printable_;
  Base64Encoder base64_;
};

} // namespace paquebot::mail
