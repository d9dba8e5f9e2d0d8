#pragma once

#include "cli/temp_file.h"
#include "mail/envelope.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::cli {

/// What a person wants to send. All text is UTF-8.
struct Letter {
  std::string from;                     ///< "Anna <anna@example.org>" or the bare address
  std::vector<std::string> to, cc, bcc; ///< each a list as in a header: "a@b, Bob <b@c>"
  std::string subject;
  std::optional<std::string> text;      ///< any line ends
  std::optional<std::string> html;      ///< with text: the better alternative
  std::vector<std::string> attachments; ///< paths of regular files
  std::vector<std::string> headers;     ///< further ones, "Name: value"
};

/// A letter as it goes on the wire.
struct Composed {
  TempFile file; ///< CRLF line ends, 7-bit, at its beginning
  std::uint64_t size;
  mail::Sender sender;
  std::vector<mail::Recipient> recipients; ///< of To, Cc and Bcc, each once
};

/// Makes a MIME message (RFC 5322, 2045, 2047, 2183, 2231): the text, or text and HTML as alternatives, and the
/// attachments behind. Adds Date and Message-ID. Attachments are streamed. Errc::invalid names the address, header or
/// file that is wrong, Errc::not_found and Errc::permission a file that can't be read.
Result<Composed> compose(const Letter& letter);

/// "image/png" for "x.PNG"; application/octet-stream when the ending says nothing.
std::string_view content_type_of(std::string_view path);

} // namespace paquebot::cli
