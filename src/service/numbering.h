#pragma once

#include "store/mailboxes.h"

#include <vector>

namespace paquebot::service {

/// Message numbers of one POP3 session: the k-th entry that was there at login. It stays so whatever other sessions
/// delete meanwhile (RFC 1939 section 4 rests on that), since the store shows the mailbox as it was seen then, with
/// what is gone. Keeps no listing: one page of entries, and the uid of every kStride-th entry, learned page by page as
/// a client lists in order, or by one look over the mailbox when it jumps. Example: to find number 1000, start behind
/// the entry before number 769 (= 3 * 256 + 1) and read on.
class Numbering {
public:
  static constexpr std::uint32_t kStride = 256;

  Numbering(store::Mailboxes& store, store::MailboxInfo mailbox);
  std::uint32_t count() const { return count_; }
  /// Entries from message `number` (from 1) on: `most`, or fewer at the end; not_found when there is none. Some may be
  /// gone (EntryInfo::gone).
  Task<Result<std::vector<store::EntryInfo>>> from(std::uint32_t number, std::uint32_t most);

private:
  Task<Result<>> load_page(std::uint32_t page);

  store::Mailboxes& store_;
  store::MailboxView view_;
  std::uint32_t count_;
  std::vector<std::uint32_t> before_{0}; ///< before_[p]: the uid after which page p begins
  bool indexed_ = false;
  std::uint32_t page_ = ~0u;
  std::vector<store::EntryInfo> entries_; ///< of page_
};

} // namespace paquebot::service
