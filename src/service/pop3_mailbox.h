#pragma once

#include "service/mailbox_holders.h"
#include "service/numbering.h"
#include "store/store.h"

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::service {

/// The mailbox of one POP3 session, locked from login to the end. Messages are named by their numbers, which stay what
/// they were at login (Numbering).
class Pop3Mailbox {
public:
  /// Both outlive it.
  Pop3Mailbox(store::Store& store, MailboxHolders& holders) : store_(store), holders_(holders) {}

  /// Opens and locks the account's INBOX for `holder`, also in place of another session whose client has been silent
  /// for long. `conflict`: another session has it.
  Task<Result<store::MailboxInfo>> open(store::Id account, boost::asio::any_io_executor executor,
                                        std::weak_ptr<MailboxHolder> holder);
  bool is_held() const { return locked_ != 0; }
  std::uint32_t count() const { return numbering_->count(); }
  /// From here on it is not the session's to use; null: it was not, already. To be unlocked by who asks.
  std::unique_ptr<store::MailboxLock> give_up();

  Task<Result<std::vector<store::EntryInfo>>> list(std::uint32_t first, std::uint32_t most);
  /// What a client without UTF8 gets of a message that came as SMTPUTF8, in octets. It is read for that, which few are;
  /// remembered for the session.
  Task<Result<std::uint64_t>> surrogate_size(std::uint32_t uid);

  /// Begins with a message, which is the one at hand from now on; reads as many as `most` from there, since the client
  /// is likely to want them next. `conflict`: another session has deleted it.
  Task<Result<>> begin(std::uint32_t number, std::uint32_t most);
  /// The one at hand: its head, and all of a small one.
  store::EntryContent& message() { return message_; }
  /// The next piece of its body, never empty.
  Task<Result<std::string>> piece();
  /// All pieces were read.
  bool ended() const { return offset_ >= message_.body.size; }
  /// Nobody waits for what was read ahead.
  void forget_ahead() { ahead_.clear(); }

  /// RFC 1939 section 6: should it fail on the way, some are deleted; `removed` says how many. What was meant when the
  /// numbers were told, whatever has been deleted since.
  Task<Result<>> remove(const std::vector<std::uint32_t>& numbers, std::string by, std::size_t& removed);

private:
  Task<Result<std::unique_ptr<store::MailboxLock>>> lock(store::Id mailbox);
  Task<Result<>> read_ahead(std::uint32_t number, std::uint32_t most);
  Task<Result<std::vector<std::uint32_t>>> uids_of(const std::vector<std::uint32_t>& numbers);

  store::Store& store_;
  MailboxHolders& holders_;
  std::unique_ptr<store::MailboxLock> lock_;
  store::Id locked_ = 0; ///< mailbox
  std::optional<Numbering> numbering_;
  store::EntryContent message_;
  std::uint64_t offset_ = 0;              ///< in its body
  std::deque<store::EntryContent> ahead_; ///< from ahead_number_ on; empty while the client is idle
  std::uint32_t ahead_number_ = 0;
  std::map<std::uint32_t, std::uint64_t> surrogate_sizes_; ///< by uid
};

} // namespace paquebot::service
