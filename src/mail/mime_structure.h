#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::mail {

/// A structured field of MIME: a token and its parameters as they are written (RFC 2045 section 5.1), those of RFC 2231
/// too; quotes and comments are taken away.
struct MimeValue {
  std::string token; ///< as written; "text/plain" for a Content-Type
  std::vector<std::pair<std::string, std::string>> parameters;

  /// Of the first parameter of that name (case does not matter); empty when there is none.
  std::string_view parameter(std::string_view name) const;
};
/// Reads one tolerantly: at most 100 parameters; never fails.
MimeValue parse_mime_value(std::string_view value);

/// A part of a message, and where it is: offsets are octets from the beginning of the message's head.
struct MimePart {
  std::uint64_t head_offset = 0;
  std::uint64_t head_size = 0; ///< with the empty line; 0: it has none
  std::uint64_t body_offset = 0;
  std::uint64_t body_size = 0;
  std::uint64_t lines = 0; ///< of the body; the last one counts also without a line end

  std::string type = "text", subtype = "plain"; ///< lower case
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string id, description, md5, location; ///< unfolded; empty: none
  std::string encoding;                       ///< lower case; empty: none given
  MimeValue disposition;                      ///< empty token: none
  std::vector<std::string> languages;

  /// multipart: its parts, at least one; message/rfc822: the message in it.
  std::vector<std::unique_ptr<MimePart>> parts;
  std::string head; ///< of a message within a message/rfc822: its fields, as far as they are kept

  bool is_multipart() const { return type == "multipart" && !parts.empty(); }
  bool is_message() const { return type == "message" && parts.size() == 1 && parts[0]->is_root; }
  bool is_root = false; ///< it is a message within a message/rfc822
};

/// Finds the parts of a message while its body goes by in chunks of any size (RFC 2046). Bounded whatever comes:
/// at most 1000 parts, 30 deep, 256 KiB of fields; what is beyond is content of the part that it is in. A multipart
/// without a boundary, or without parts, is text.
class MimeParser {
public:
  /// `head`: of the message, with the empty line.
  explicit MimeParser(std::string_view head);
  ~MimeParser();
  MimeParser(MimeParser&&) noexcept;
  MimeParser& operator=(MimeParser&&) noexcept;

  void feed(std::string_view body);
  /// The body is over.
  std::unique_ptr<MimePart> finish();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::mail
