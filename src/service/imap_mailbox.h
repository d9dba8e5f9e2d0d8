#pragma once

#include "base/task.h"
#include "base/ulid.h"
#include "imap/requests.h"
#include "mail/head.h"
#include "search/index.h"
#include "service/mailbox_news.h"
#include "store/body_writer.h"
#include "store/store.h"

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace paquebot::service {

/// A message of an APPEND that has come whole.
struct AppendedMessage {
  imap::AskAppend wanted;
  std::string head;
  store::NewBody body;
  bool content_8bit = false;
};

/// What an IMAP session asks of its account's mailboxes, answered out of the store. One coroutine at a time.
class ImapMailbox {
public:
  /// All outlive it. `index`: null where there is none.
  ImapMailbox(store::Store& store, MailboxNews& news, UlidSource& ids, search::Index* index)
      : store_(store), news_(news), ids_(ids), index_(index) {}
  ~ImapMailbox() { close(); }
  ImapMailbox(const ImapMailbox&) = delete;
  ImapMailbox& operator=(const ImapMailbox&) = delete;

  /// `who`: for the trail.
  void log_in(store::Account account, std::string who, boost::asio::any_io_executor executor,
              std::weak_ptr<MailboxWatcher> watcher);
  const store::Account& account() const { return account_; }
  void close();
  /// Why the store failed last; empty when it did not since this was asked.
  std::string take_trouble() { return std::exchange(trouble_, {}); }

  Task<imap::Answer> answer(imap::AskFolders ask);
  Task<imap::Answer> answer(imap::AskOpen ask);
  Task<imap::Answer> answer(imap::AskClose ask);
  Task<imap::Answer> answer(imap::AskFolder ask);
  Task<imap::Answer> answer(imap::AskStatus ask);
  Task<imap::Answer> answer(imap::AskNews ask);
  Task<imap::Answer> answer(imap::AskSince ask);
  Task<imap::Answer> answer(imap::AskRows ask);
  Task<imap::Answer> answer(imap::AskContents ask);
  Task<imap::Answer> answer(imap::AskBody ask);
  Task<imap::Answer> answer(imap::AskStore ask);
  Task<imap::Answer> answer(imap::AskExpunge ask);
  Task<imap::Answer> answer(imap::AskCopy ask);
  Task<imap::Answer> answer(imap::AskAppend ask);
  Task<imap::Answer> answer(imap::AskAppendPiece ask);
  Task<imap::Answer> answer(imap::AskAppendEnd ask);
  Task<imap::Answer> answer(imap::AskQuota ask);
  Task<imap::Answer> answer(imap::AskRuledOut ask);

private:
  /// The message that comes.
  struct Append {
    explicit Append(store::Acceptance& acceptance) : body(acceptance) {}
    imap::AskAppend wanted;
    mail::HeadSplitter head;
    store::BodyWriter body;
  };

  imap::Fault fault_of(const Error& error);
  imap::Fault fault_of(const store::AcceptResult& result);
  Task<imap::Fault> copy_some(imap::AskCopy ask, imap::Copied& copied, store::Id& target);
  Task<Result<>> write_body(std::string_view bytes);
  Task<imap::Fault> end_message();
  Task<imap::Fault> accept_all(imap::Appended& appended);

  store::Store& store_;
  MailboxNews& news_;
  UlidSource& ids_;
  search::Index* const index_;
  store::Account account_;
  std::string who_;
  boost::asio::any_io_executor executor_;
  std::weak_ptr<MailboxWatcher> watcher_;
  std::string trouble_;

  store::MailboxView view_; ///< of the selected one; mailbox 0: none is
  MailboxNews::Token watching_ = 0;
  std::unordered_map<std::uint32_t, store::BodyRef> bodies_; ///< of the contents that were given last, by uid
  std::unique_ptr<Append> append_;
  std::vector<AppendedMessage> whole_;              ///< in front of append_
  std::uint64_t whole_size_ = 0, whole_memory_ = 0; ///< octets; those of them that are in memory
  store::MailboxInfo target_;                       ///< into which they go
};

} // namespace paquebot::service
