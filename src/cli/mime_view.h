#pragma once

#include "cli/temp_file.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::cli {

/// The header fields that people look at, decoded; UTF-8 from strangers: make it printable before a terminal sees it.
struct LetterHead {
  std::string from, to, cc, subject;
  std::string date; ///< "2026-11-23 12:00" in local time; empty when there is none
};

/// Reads the fields of a header block.
LetterHead read_head(std::string_view header_block);

/// A received message, parsed over its file: only headers are in memory.
class MimeView {
public:
  struct Attachment {
    std::string name;   ///< as the sender wrote it, perhaps empty: never use it as a path
    std::string type;   ///< "image/png"
    std::uint64_t size; ///< octets after decoding, about
  };

  /// `file` must stay as it is while the view lives.
  static Result<MimeView> open(TempFile& file);
  ~MimeView();
  MimeView(MimeView&&) noexcept;
  MimeView& operator=(MimeView&&) = delete;

  const LetterHead& head() const;
  struct Text {
    std::string text; ///< UTF-8 with LF
    bool cut = false; ///< there is more of it
  };
  /// The text for people, of its first `most` octets: the first text/plain that is no attachment. Empty, when there is
  /// none.
  Result<Text> text(std::size_t most) const;
  /// True when the message is written for people in HTML alone.
  bool html_only() const;
  /// All parts but the text: at most 10,000, nested at most 50 deep.
  const std::vector<Attachment>& attachments() const;
  /// Writes the decoded content of one to a descriptor.
  Result<> save(std::size_t index, int descriptor) const;

private:
  struct Impl;
  explicit MimeView(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::cli
