#include "service/mailbox_holders.h"

#include "base/log.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace paquebot::service {

void MailboxHolders::hold(store::Id mailbox, boost::asio::any_io_executor executor,
                          std::weak_ptr<MailboxHolder> holder) {
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(mailbox, Entry{std::move(executor), std::move(holder)});
}

void MailboxHolders::leave(store::Id mailbox) {
  const std::lock_guard lock(mutex_);
  entries_.erase(mailbox);
}

Task<bool> MailboxHolders::take_over(store::Id mailbox) {
  const Promised<MailboxHolder::GivenUp> answer;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(mailbox);
    if (entry == entries_.end()) co_return true;
    boost::asio::post(entry->second.executor, [weak = entry->second.holder, answer] {
      const auto holder = weak.lock();
      answer.set(holder ? holder->give_way() : MailboxHolder::GivenUp());
    });
  }
  const MailboxHolder::GivenUp given = co_await answer.take();
  if (!given.lock) co_return given.free;
  const auto unlocked = co_await given.lock->unlock();
  if (!unlocked) log::error("mailbox-not-unlocked", {{"mailbox", mailbox}, {"why", unlocked.error().message}});
  co_return unlocked.has_value();
}

} // namespace paquebot::service
