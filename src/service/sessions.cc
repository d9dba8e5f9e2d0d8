#include "service/sessions.h"

#include <boost/asio/post.hpp>

namespace paquebot::service {

Sessions::Token Sessions::enter(boost::asio::any_io_executor executor, std::weak_ptr<LiveSession> session) {
  std::lock_guard lock(mutex_);
  Token token = next_++;
  auto& entry = entries_.emplace(token, Entry{std::move(executor), std::move(session), 0}).first->second;
  if (shutting_down_) // its connection was taken just before the end
    tell_shut_down(entry);
  return token;
}

void Sessions::logged_in(Token token, store::Id account) {
  std::lock_guard lock(mutex_);
  if (auto entry = entries_.find(token); entry != entries_.end()) entry->second.account = account;
}

void Sessions::leave(Token token) {
  std::lock_guard lock(mutex_);
  entries_.erase(token);
}

void Sessions::tell_shut_down(const Entry& entry) {
  boost::asio::post(entry.executor, [weak = entry.session] {
    if (auto session = weak.lock()) session->shut_down();
  });
}

void Sessions::shut_down_all() {
  std::lock_guard lock(mutex_);
  shutting_down_ = true;
  for (auto& [token, entry] : entries_) tell_shut_down(entry);
}

void Sessions::end_account(store::Id account) {
  std::lock_guard lock(mutex_);
  for (auto& [token, entry] : entries_)
    if (entry.account == account)
      boost::asio::post(entry.executor, [weak = entry.session] {
        if (auto session = weak.lock()) session->end();
      });
}

std::size_t Sessions::count() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

} // namespace paquebot::service
