#pragma once

#include "imap/lexer.h"
#include "imap/requests.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::imap {

/// What STATUS and LIST's RETURN (STATUS …) ask of a mailbox: bits.
enum StatusItem : std::uint16_t {
  kMessagesItem = 1,
  kUidNextItem = 2,
  kUidValidityItem = 4,
  kUnseenItem = 8,
  kDeletedItem = 16,
  kSizeItem = 32,
  kRecentItem = 64,
  kAppendLimitItem = 128,
  kModSeqItem = 256,
  kMailboxIdItem = 512,
  kDeletedSizeItem = 1024,
};
/// "(MESSAGES UNSEEN)"; 0 when it is malformed or empty.
std::uint16_t parse_status_items(Lexer& lexer);
/// "MESSAGES 3 UNSEEN 1".
std::string status_text(const MailboxFacts& facts, std::uint16_t items, std::uint64_t append_limit);

/// A LIST command (RFC 9051 section 6.3.9: with the selection options of RFC 5258 and 6154 and the return options of
/// RFC 5258, 5819 and 6154).
struct ListQuery {
  std::vector<std::string> patterns; ///< with the reference in front
  bool only_subscribed = false, recursive = false, only_special = false;
  bool tell_subscribed = false;
  std::uint16_t status = 0;
  bool root = false; ///< LIST "" "": only the delimiter is asked for
};
struct ListProblem {
  bool malformed = true; ///< else it can't be (NO)
  std::string_view why;
};
/// Nothing: `problem` says why.
std::optional<ListQuery> parse_list(Lexer& lexer, bool utf8, ListProblem& problem);

/// One line of the answer.
struct ListLine {
  std::string name;
  const MailboxFacts* facts = nullptr; ///< null: there is no such mailbox
  bool subscribed = false;
  bool has_children = false;
  bool child_subscribed = false; ///< RECURSIVEMATCH: it is told for what is below it
};
/// Octets of patterns (wild_octets) times octets of names that one command may compare: some hundred milliseconds.
inline constexpr std::uint64_t kMostCompared = 200'000'000;
/// In the order of names, INBOX first. Nothing: that would be more than kMostCompared.
std::optional<std::vector<ListLine>> list_lines(const ListQuery& query, const Folders& folders);

} // namespace paquebot::imap
