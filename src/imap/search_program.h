#pragma once

#include "imap/lexer.h"
#include "imap/requests.h"
#include "imap/uid_set.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::imap {

/// What SEARCH asks of each message, as a tree.
struct SearchNode {
  enum class Key : std::uint8_t {
    all_of,  ///< every child
    one_of,  ///< any child; OR
    none_of, ///< not its child; NOT
    flag,    ///< a bit of `number`
    keyword, ///< `name`
    uids,    ///< in `set`
    before,
    on,
    since, ///< `number`: a day, of the internal date
    sent_before,
    sent_on,
    sent_since, ///< of the Date field
    saved_before,
    saved_on,
    saved_since, ///< of the day it came into the mailbox (RFC 8514)
    older,
    younger, ///< `number`: a time, of the internal date (RFC 5032)
    modseq,  ///< at least `number` (RFC 7162)
    email,   ///< its EMAILID is `text` (RFC 8474)
    larger,
    smaller, ///< `number`
    header,  ///< field `name` holds `text`
    body,
    text, ///< needle `number` of the program
  };
  Key key = Key::all_of;
  std::uint64_t number = 0;
  std::string name, text{}; ///< text: as fold_text() gives it
  UidSet set{};
  std::vector<SearchNode> children{};
};

struct SearchProgram {
  SearchNode root;
  std::vector<std::string> needles; ///< of BODY and TEXT, folded, each once

  // RETURN (RFC 4731, RFC 5182).
  bool extended = false;
  bool modseqs = false; ///< MODSEQ was asked for: the answer tells the highest
  bool charset = false; ///< one was named
  bool minimum = false, maximum = false, all = false, count = false, save = false;
};
inline constexpr std::size_t kMaxSearchDepth = 20;
inline constexpr std::size_t kMaxSearchKeys = 1000;

enum class SearchProblem : std::uint8_t { none, malformed, charset };
/// `resolve` gives the uids of a set that is written by number (false) or by uid; nothing when a number is not there.
using ResolveSet = std::function<std::optional<UidSet>(std::string_view, bool by_uid)>;
/// `now`: milliseconds since 1970 UTC.
SearchProblem parse_search(Lexer& lexer, const ResolveSet& resolve, std::int64_t now, SearchProgram& program);

/// True, false, or it takes more to tell.
enum class Verdict : std::uint8_t { no, yes, unknown };

/// What is known of a message. Null: not looked at yet.
struct SearchFacts {
  const Row* row = nullptr;
  const std::vector<Keyword>* keywords = nullptr;
  const std::string* head = nullptr;
  const std::vector<bool>* in_head = nullptr; ///< by needle
  const std::vector<bool>* in_body = nullptr;
};
Verdict judge(const SearchNode& node, const SearchFacts& facts);

} // namespace paquebot::imap
