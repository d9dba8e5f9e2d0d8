#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "mail/address.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::mail {

/// Somebody in From, To and so on: "Ann Example" <ann@example.org>.
struct Mailbox {
  std::string name; ///< UTF-8; may be empty
  Address address;
};

/// Reads "Ann Example <ann@example.org>", "\"Example, Ann\" <…>" or "ann@example.org": one of them and nothing else.
/// `invalid` otherwise, and for control characters.
Result<Mailbox> parse_mailbox(std::string_view text);

struct AttachedFile {
  std::string name;       ///< UTF-8; may be empty
  std::string type;       ///< "image/png"; empty: application/octet-stream
  std::string content;    ///< any octets
  std::string content_id; ///< by which the HTML shows it ("cid:logo"); empty: it is not part of the text
};

/// A message in the words of a program that sends one.
struct Letter {
  Mailbox from;
  std::vector<Mailbox> to, cc, reply_to;
  std::string subject; ///< UTF-8, as all texts here
  std::string text;    ///< lines may end in LF
  std::string html;
  std::vector<AttachedFile> files;
  std::vector<std::pair<std::string, std::string>> fields; ///< others, by name
  WallTime date{};
  std::string message_id; ///< "unique@host", without brackets
  /// Random letters and digits: what no content has in it, for the boundaries.
  std::string token;
};

/// Whether a field of this name may be given by a program: a name (RFC 5322 section 3.6.8) that is not one of those
/// that are made here, that say who sends (From, Sender, Resent-), or that only servers write (Received,
/// DKIM-Signature, Authentication-Results and their like).
bool is_free_field(std::string_view name);

/// What of a letter can't be sent.
struct Unfit {
  std::string field; ///< "subject", "attachments.2.type"
  std::string why;   ///< a sentence without its full stop
};

/// The message (RFC 5322, 2045 to 2049, 2183, 2231): 7 bit but for addresses beyond ASCII (RFC 6532), lines of at most
/// 78 octets where that is possible and 998 in any case, CRLF. Text in both forms is multipart/alternative, files in it
/// multipart/related, others multipart/mixed. No value breaks out of its field: what has control characters is refused.
std::expected<std::string, Unfit> build_message(const Letter& letter);

} // namespace paquebot::mail
