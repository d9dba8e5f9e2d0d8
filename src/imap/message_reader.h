#pragma once

#include "imap/requests.h"
#include "mail/mime_structure.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::imap {

/// Undoes a Content-Transfer-Encoding in chunks of any size.
class PartDecoder {
public:
  enum class Encoding : std::uint8_t { none, base64, quoted_printable, unknown };
  static Encoding encoding_of(const mail::MimePart& part);

  explicit PartDecoder(Encoding encoding) : encoding_(encoding) {}
  void feed(std::string_view chunk, std::string& out);
  void finish(std::string& out);

private:
  void feed_base64(std::string_view chunk, std::string& out);

  const Encoding encoding_;
  std::string held_; ///< what makes no group or line yet
  bool ended_ = false;
};

/// One message that is looked at: what of it is in memory, and pieces of the rest as they are needed. Where a call
/// gives false either failed() says at once that it can't be had, or something was asked for: then `resume` is called
/// later, and failed() may say so then.
class MessageReader {
public:
  /// Asks for a piece of the body, and has it answered later.
  using AskPiece = std::function<void(AskBody question, std::function<void(Piece&)> then)>;

  explicit MessageReader(AskPiece ask) : ask_(std::move(ask)) {}
  void begin(Content content);
  void end();

  const Content& content() const { return content_; }
  std::uint64_t size() const { return content_.head.size() + content_.body_size; }
  bool failed() const { return failed_; }

  /// Finds the parts: once for a message.
  bool scan(const std::function<void()>& resume);
  const mail::MimePart& structure() const { return *structure_; }
  /// What of the message's octets begins at `at`, at most up to `end` (behind `at`). Valid until the next call.
  bool piece(std::uint64_t at, std::uint64_t end, std::string_view& bytes, const std::function<void()>& resume);

private:
  const AskPiece ask_;
  Content content_;
  std::optional<mail::MimeParser> parser_;
  std::uint64_t scanned_ = 0; ///< of the message
  std::unique_ptr<mail::MimePart> structure_;
  std::string buffer_; ///< a piece of the body
  std::uint64_t buffer_at_ = 0;
  bool failed_ = false;
};

/// The part with these numbers (RFC 9051 section 6.4.5.1); null: there is none.
const mail::MimePart* find_part(const mail::MimePart& message, const std::vector<std::uint32_t>& numbers);

} // namespace paquebot::imap
