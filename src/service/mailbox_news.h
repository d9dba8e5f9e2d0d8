#pragma once

#include "store/types.h"

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace paquebot::service {

/// A session that wants to hear when something changes in the mailbox that it has selected.
class MailboxWatcher {
public:
  virtual ~MailboxWatcher() = default;
  /// On the session's own executor.
  virtual void mailbox_changed() = 0;
};

/// Which sessions look at which mailbox: what the store tells of one reaches them, and nobody else is asked.
/// Thread-safe.
class MailboxNews {
public:
  using Token = std::uint64_t;

  Token watch(store::Id mailbox, boost::asio::any_io_executor executor, std::weak_ptr<MailboxWatcher> watcher);
  void leave(store::Id mailbox, Token token);
  /// Something has changed there (0: somewhere). Of any thread; quick.
  void tell(store::Id mailbox);

private:
  struct Entry {
    Token token;
    boost::asio::any_io_executor executor;
    std::weak_ptr<MailboxWatcher> watcher;
  };
  std::mutex mutex_;
  std::unordered_multimap<store::Id, Entry> entries_;
  Token next_ = 1;
};

/// How many sessions each account has, so that no program takes all the room there is. Thread-safe.
class AccountSeats {
public:
  /// False, and none is taken, when the account has `most` already.
  bool take(store::Id account, std::size_t most);
  void leave(store::Id account);

private:
  std::mutex mutex_;
  std::unordered_map<store::Id, std::size_t> taken_;
};

} // namespace paquebot::service
