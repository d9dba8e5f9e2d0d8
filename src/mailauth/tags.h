#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// A tag-list of RFC 6376 section 3.2, as in DKIM-Signature, ARC fields, key records and DMARC records. Views into the
/// text that was parsed.
class TagList {
public:
  static constexpr std::size_t kMost = 64;

  struct Tag {
    std::string_view name;  ///< as written: tag names are case-sensitive
    std::string_view value; ///< without white space at its ends; may hold folding inside
  };

  /// Errc::invalid for a spec that is no tag, a tag that appears twice, or more than kMost tags.
  static Result<TagList> parse(std::string_view text);

  std::optional<std::string_view> find(std::string_view name) const;
  const std::vector<Tag>& tags() const { return tags_; }

private:
  std::vector<Tag> tags_;
};

/// Without spaces, tabs, CR and LF anywhere: what base 64 and lists in tag values may be folded with.
std::string without_space(std::string_view text);
/// Decodes base 64 that may be folded; nothing when malformed or empty.
std::optional<std::string> folded_base64(std::string_view text);

} // namespace paquebot::mailauth
