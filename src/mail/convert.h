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

/// What a conversion starts from and leads to.
struct Conversion {
  /// The content came with BODY=BINARYMIME (RFC 3030): any octets, lines end with CRLF only and a delimiter is a whole
  /// line; a CR or LF alone is content like any other octet and is preserved.
  bool from_binary = false;
  /// Octets beyond ASCII may stay (8BITMIME, mailboxes), in header blocks too; only NUL, stray CR and LF, and lines
  /// beyond 998 octets have to go.
  bool to_eight_bit = false;
  /// Only to find out whether all header blocks are ASCII, those of parts that must not be changed too: others are
  /// refused. What comes out is of no use.
  bool ascii_heads = false;
};

/// Turns a message with 8-bit or binary content into one that a peer without takes (RFC 6152 section 3, RFC 3030
/// section 3), as it streams by. Every part that holds what may not stay becomes quoted-printable (text of lines that
/// is mostly ASCII) or base64 (the rest, and all that was binary); parts that are fine stay as they are. No octet of a
/// part is lost, and none is encoded twice. Works in linear time, keeps at most a window of 64 KiB of a part and one
/// part's head.
///
/// Fails with Errc::unsupported when the message cannot be changed: such octets in any header block (8-bit ones would
/// need SMTPUTF8), inside multipart/signed or a multipart whose boundary is not known, inside a part that claims
/// another encoding, or in message/partial, message/external-body, message/delivery-status and
/// message/disposition-notification (which must not be encoded). In the preamble and epilogue of a multipart, which
/// nobody reads, they become "?", and lines that are too long are cut. After a failure the object is of no further use.
///
/// Example: `converter.start(head, out)`, then `feed(chunk, out)` for each chunk of the body, then `finish(out)`;
/// `out` then holds the whole new message, head first, and may be sent and cleared between calls.
class MessageConverter {
public:
  explicit MessageConverter(Conversion how = {}) : how_(how) {}
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
  void between(std::string_view text, bool ends_line);
  bool may_stay(std::string_view head) const;
  void refuse_head();
  bool fits(const ContentScan& scan) const;
  void at_delimiter(Delimiter d, std::string_view line);
  void head_line(std::string_view text, bool starts_line);
  void finish_head();
  void open_part(Head head);
  void leaf_piece(std::string_view text, bool ends_line);
  void leaf_write(std::string_view bytes);
  void finish_leaf();
  void decide(bool window_full);
  void encode(std::string_view bytes);
  void leave_one_encoding();
  void write_head(std::string_view encoding, bool always);
  std::string label(bool eight_bit) const;
  void refuse_opaque();

  Conversion how_;
  std::string* out_ = nullptr;
  std::optional<Error> error_;
  std::string line_;            ///< a line cut by the end of a chunk
  bool line_continues_ = false; ///< line_ is not the beginning of its line
  bool at_end_ = false;         ///< the message is over

  Place place_ = Place::head;
  std::vector<Level> levels_;
  bool replaced_ = false;    ///< 8-bit text lost before the innermost multipart's first delimiter
  std::string head_bytes_;   ///< of the part being read
  bool message_head_ = true; ///< of a whole message, not of a part of a multipart
  bool default_message_ = false;

  std::size_t between_ = 0; ///< octets of the line of a preamble or epilogue so far
  Mode mode_ = Mode::undecided;
  Head part_head_;
  ContentType part_type_;
  std::string held_; ///< a line end that belongs to the delimiter, if one follows
  std::string window_;
  ContentScan scan_;   ///< of the window
  ContentScan opaque_; ///< of a part that goes through unchanged
  QuotedPrintableEncoder quoted_printable_;
  Base64Encoder base64_;
};

} // namespace paquebot::mail
