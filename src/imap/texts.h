#pragma once

#include "imap/message_reader.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The texts of a message that SEARCH looks at. The scan and the index read them by the same code: what one finds is in
/// what the other was made of.
namespace paquebot::imap {

/// Lower case by Unicode, so that texts can be compared; what is no UTF-8 stays as it is.
std::string fold_text(std::string_view text);
/// A field's value as people read it: encoded words decoded, folded by fold_text().
std::string fold_value(std::string_view value);

/// Calls `look` with each field of a head, as "name: value" in folded text. A head that can't be read has none.
void each_field(const std::string& head, const std::function<void(const std::string& text)>& look);

/// Makes folded text of octets that come in pieces of any size.
class TextFolder {
public:
  /// `latin`: octets of ISO 8859-1, else of UTF-8. Gives what is whole so far.
  std::string feed(std::string_view octets, bool latin);
  /// The rest; it can be used anew.
  std::string end();

private:
  std::string raw_; ///< not folded yet
};

/// Walks through what is text for people in a message's body: text parts with their transfer encoding undone, and the
/// fields of messages within the message.
class BodyTexts {
public:
  struct Sink {
    std::function<void(const std::string& folded)> text;
    std::function<void()> end_part; ///< what comes next does not continue it
  };

  /// Of the next message.
  void begin();
  /// Goes on to the end, or as long as `wanted` says so, which is asked between pieces. False: the reader has asked for
  /// something, or failed; then it is called again.
  bool walk(MessageReader& reader, const std::function<void()>& resume, const Sink& sink,
            const std::function<bool()>& wanted = {});

private:
  struct Range {
    std::uint64_t from, to;
    PartDecoder::Encoding encoding;
    bool latin;
  };
  static void find(const mail::MimePart& part, std::vector<Range>& out);
  bool read_part(MessageReader& reader, const std::function<void()>& resume, const Sink& sink,
                 const std::function<bool()>& wanted, const Range& part);

  bool begun_ = false;
  std::vector<Range> parts_; ///< the next one is the last
  std::uint64_t at_ = 0;
  std::optional<PartDecoder> decoder_;
  TextFolder folder_;
};

} // namespace paquebot::imap
