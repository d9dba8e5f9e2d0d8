#pragma once

#include "base/fake_clock.h"
#include "store/store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

/// What a backend gives the contract suite. A backend is put under it with
/// INSTANTIATE_TEST_SUITE_P(Name, StoreContract, testing::Values(Backend{...})).
struct Backend {
  std::string name;
  /// Opens the store that lives at `place`, an own empty directory of the test; again and again the same one.
  std::function<Result<std::unique_ptr<Store>>(const std::string& place, const Clock& clock)> open;
};

inline void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }

/// What the peer "mx" said.
inline mail::Told peer_said(std::uint16_t code, std::string text, mail::EnhancedCode status = {}) {
  mail::Reply reply(code, status, std::move(text));
  reply.heard = true;
  return mail::Told::by(std::move(reply), "mx", "mx [192.0.2.1]:25");
}

/// A context for one test's coroutines. Contexts are lent again and again and live as long as the process: a store's
/// thread may still be leaving post() when the coroutine that it woke is through.
class LentContext {
public:
  LentContext();
  ~LentContext();
  boost::asio::io_context& operator*() { return *context_; }

private:
  std::unique_ptr<boost::asio::io_context> context_;
};

/// Runs one coroutine to its end.
template <class T>
T run(Task<T> task) {
  LentContext lent;
  boost::asio::io_context& context = *lent;
  std::optional<T> result;
  boost::asio::co_spawn(context, std::move(task), [&result](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    result = std::move(value);
  });
  context.run();
  return std::move(*result);
}
inline void run(Task<void> task) {
  LentContext lent;
  boost::asio::io_context& context = *lent;
  boost::asio::co_spawn(context, std::move(task), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  context.run();
}

/// An own directory under the system's place for temporary files, removed with all in it.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// The suite that every backend passes: what store.h promises, and nothing of how it is done.
class StoreContract : public testing::TestWithParam<Backend> {
protected:
  StoreContract();
  ~StoreContract() override;

  Store& store() { return *store_; }
  /// Ends the store in order and opens it again: a new epoch.
  void reopen();
  /// Every invariant must hold; called at the end of each test too.
  void expect_sound();

  /// Time of the clock that the store sees.
  std::int64_t now() const { return millis(clock_.wall()); }
  FakeClock& clock() { return clock_; }

  Account make_account(const std::string& login, std::uint64_t quota = 0);
  /// A request from sender@elsewhere.example with a new id, a short head and body and no recipients.
  AcceptRequest message(const std::string& body = "Hello.\r\n");
  static NewRecipient to_mailbox(const Account& account);
  NewRecipient to_remote(const std::string& address, const std::string& destination, bool in_hand = false);
  /// A submission of `account` within these bounds to these addresses elsewhere.
  AcceptRequest submission(const Account& account, const Limits& bounds, const std::vector<std::string>& to);
  /// What limit_use() says of one kind.
  LimitUse limit_use(const Account& account, LimitKind kind, const Limits& bounds, std::int64_t now);
  AcceptResult accept(const AcceptRequest& request);
  /// Accepts and expects it to work; gives the id.
  Ulid accepted(const AcceptRequest& request);
  /// A message for its INBOX; gives the id, which may be chosen.
  Ulid deliver(const Account& to, std::optional<Ulid> id = std::nullopt);
  /// A message that waits for a@destination.
  Ulid queue(const std::string& destination);
  /// A whole round of expiry: how many were removed. A whole round of upkeep.
  std::size_t expire(std::int64_t before);
  void maintain();
  std::vector<WorkItem> claim(const std::string& destination, std::size_t most = 100);
  Trace trail(const Ulid& id);
  Result<> record(const Outcome& outcome);
  /// Number of entries in the account's INBOX.
  std::uint64_t inbox_count(const Account& account);
  MailboxInfo inbox(const Account& account);

private:
  TemporaryDirectory directory_;
  FakeClock clock_;
  UlidSource ulids_;
  std::unique_ptr<Store> store_;
};

} // namespace paquebot::store
