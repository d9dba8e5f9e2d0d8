#pragma once

#include "base/result.h"
#include "sink/inboxes.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::sink {

/// What somebody looks for, in the words of Mailpit's search: all of its terms must fit.
///
///     invoice "two words"            in subject, text, or an address
///     from: to: cc: bcc: reply-to: addressed:   a part of a name or address; addressed: any of them
///     subject: message-id: tag: inbox:
///     is:read is:unread is:tagged    has:attachment (attachments) has:inline
///     larger:10k smaller:2M          octets of the message
///     before:2026-11-24 after:2026-11-24T10:00:00Z     when it came, in UTC
///     -word !word -from:x            not that
class Query {
public:
  /// `invalid` says which term is none. At most 50 terms.
  static Result<Query> parse(std::string_view text);
  bool fits(const Message& message) const;

private:
  struct Term {
    std::string field; ///< empty: anywhere
    std::string value; ///< lower case
    std::int64_t number = 0;
    bool negated = false;
  };
  static Result<Term> read_term(std::string_view text, bool negated);
  static bool fits(const Term& term, const Message& message);

  std::vector<Term> terms_;
};

} // namespace paquebot::sink
