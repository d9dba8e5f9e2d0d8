#pragma once

#include "base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::sink {

/// A name and an address as a header field has them, decoded; either may be empty.
struct Person {
  std::string name;
  std::string address;
};

/// A part of a message that is not its text, decoded.
struct Part {
  std::string id;   ///< its place: "2", "1.3"
  std::string name; ///< as the sender wrote it, perhaps empty: never a path
  std::string type; ///< "image/png"
  std::string cid;  ///< Content-ID without its brackets
  std::string bytes;
};

/// All of a message that people look at. Texts are what strangers wrote, in UTF-8 as far as it can be had.
struct Content {
  std::optional<Person> from;
  std::vector<Person> to, cc, bcc, reply_to;
  std::string subject, message_id;
  std::optional<WallTime> date;
  std::string text; ///< of all text/plain parts that are no attachments
  std::string html; ///< of the first text/html part that is no attachment
  std::vector<Part> attachments;
  std::vector<Part> inlines; ///< that have a Content-ID or are to be shown in the text: at most 1000 with the others
};

/// Reads a whole message; of one that is malformed, whatever can be had. Parts nested more than 50 deep are shown as
/// they are.
Content read_content(const std::string& message);

/// A part's name in a header's or a file's place: printable, without what programs take for a path; "attachment" when
/// nothing is left.
std::string safe_name(std::string_view name);

/// Web addresses in a message, each once, in the order in which they come: of its HTML those that a click follows, of
/// its text those that are written out. At most 100.
std::vector<std::string> links_of(const Content& content);
/// What looks like a code to be typed somewhere ("481 516", "123-456", "AB12CD"): digits beside a word for it or alone
/// in their line; as it is typed, without blanks. Subject first; each once, at most 20.
std::vector<std::string> codes_of(const Content& content);
/// Pictures that a program would fetch from elsewhere to show the HTML.
std::size_t remote_pictures(std::string_view html);

} // namespace paquebot::sink
