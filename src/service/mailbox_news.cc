#include "service/mailbox_news.h"

#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

namespace paquebot::service {

MailboxNews::Token MailboxNews::watch(store::Id mailbox, boost::asio::any_io_executor executor,
                                      std::weak_ptr<MailboxWatcher> watcher) {
  const std::lock_guard lock(mutex_);
  const Token token = next_++;
  entries_.emplace(mailbox, Entry{token, std::move(executor), std::move(watcher)});
  return token;
}

void MailboxNews::leave(store::Id mailbox, Token token) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = entries_.equal_range(mailbox);
  for (auto at = first; at != last; ++at)
    if (at->second.token == token) return void(entries_.erase(at));
}

void MailboxNews::tell(store::Id mailbox) {
  std::vector<Entry> told;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] =
        mailbox == 0 ? std::pair(entries_.begin(), entries_.end()) : entries_.equal_range(mailbox);
    for (auto at = first; at != last; ++at) told.push_back(at->second);
  }
  for (Entry& entry : told)
    boost::asio::post(entry.executor, [watcher = std::move(entry.watcher)] {
      if (const auto session = watcher.lock()) session->mailbox_changed();
    });
}

bool AccountSeats::take(store::Id account, std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::size_t& taken = taken_[account];
  if (taken >= most) return false;
  ++taken;
  return true;
}

void AccountSeats::leave(store::Id account) {
  const std::lock_guard lock(mutex_);
  const auto at = taken_.find(account);
  if (at != taken_.end() && --at->second == 0) taken_.erase(at);
}

} // namespace paquebot::service
