#include "service/sessions.h"

#include "base/clock.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace paquebot::service {

Sessions::Token Sessions::enter(boost::asio::any_io_executor executor, std::weak_ptr<LiveSession> session) {
  const std::int64_t now = millis(system_clock().wall());
  std::lock_guard lock(mutex_);
  Token token = next_++;
  auto& entry = entries_.emplace(token, Entry{std::move(executor), std::move(session), 0, now}).first->second;
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

namespace {

/// Sessions of one executor, and what they are asked for together.
struct Batch {
  struct One {
    Sessions::Token token;
    std::int64_t since;
    std::weak_ptr<LiveSession> session;
  };
  boost::asio::any_io_executor executor;
  std::vector<One> all;
  Promised<std::vector<Sessions::Seen>> answer{};
};

} // namespace

Task<std::vector<Sessions::Seen>> Sessions::look(Token after, std::size_t most) {
  std::vector<Batch> batches;
  {
    const std::lock_guard lock(mutex_);
    std::size_t taken = 0;
    for (auto at = entries_.upper_bound(after); at != entries_.end() && taken < most; ++at, ++taken) {
      const Entry& entry = at->second;
      auto batch = std::ranges::find(batches, entry.executor, &Batch::executor);
      if (batch == batches.end()) batch = batches.insert(batches.end(), Batch{entry.executor, {}, {}});
      batch->all.push_back({at->first, entry.since, entry.session});
    }
  }
  for (const Batch& batch : batches)
    boost::asio::post(batch.executor, [all = batch.all, answer = batch.answer] {
      std::vector<Seen> seen;
      for (const Batch::One& one : all)
        if (const auto session = one.session.lock()) seen.push_back({one.token, one.since, session->facts()});
      answer.set(std::move(seen));
    });
  std::vector<Seen> found;
  for (const Batch& batch : batches) {
    std::vector<Seen> some = co_await batch.answer.take();
    std::ranges::move(some, std::back_inserter(found));
  }
  std::ranges::sort(found, {}, &Seen::token);
  co_return found;
}

Task<std::optional<Sessions::Seen>> Sessions::watch(Token token, std::shared_ptr<net::Transcript> transcript) {
  std::optional<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(token); found != entries_.end()) entry = found->second;
  }
  if (!entry) co_return std::nullopt;
  const Promised<std::optional<Seen>> answer;
  boost::asio::post(entry->executor, [weak = entry->session, since = entry->since, token, transcript, answer] {
    const auto session = weak.lock();
    if (!session) return answer.set(std::nullopt);
    session->watch(transcript);
    answer.set(Seen{token, since, session->facts()});
  });
  std::optional<Seen> seen = co_await answer.take();
  co_return seen;
}

bool Sessions::break_off(Token token) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(token);
  if (found == entries_.end()) return false;
  boost::asio::post(found->second.executor, [weak = found->second.session] {
    if (const auto session = weak.lock()) session->break_off();
  });
  return true;
}

} // namespace paquebot::service
