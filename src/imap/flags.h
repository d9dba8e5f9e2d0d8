#pragma once

#include "imap/lexer.h"
#include "imap/requests.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::imap {

/// What STORE and APPEND say.
struct FlagList {
  std::uint64_t flags = 0; ///< system flags
  std::vector<std::string> keywords;
};
inline constexpr std::size_t kMaxKeyword = 100; ///< octets
inline constexpr std::size_t kMaxKeywords = 64; ///< named by one command

/// "(\Seen $Junk)", or without parentheses to the end. \Recent is nobody's to set, and passed over. Nothing when it is
/// malformed or beyond the bounds.
std::optional<FlagList> parse_flags(Lexer& lexer);
/// The bit of a system flag by its name with the backslash; 0: it is none.
std::uint64_t system_flag(std::string_view name);
/// "\Seen $Junk", in a fixed order.
std::string flags_text(std::uint64_t flags, const std::vector<Keyword>& keywords);
/// All that a message can have in a mailbox with these keywords.
std::string all_flags_text(const std::vector<Keyword>& keywords);
/// "\Sent"; of several bits one after the other with a space in front of each; empty for none.
std::string special_use_text(std::uint8_t uses);
/// 0: it is none.
std::uint8_t special_use(std::string_view name);

} // namespace paquebot::imap
