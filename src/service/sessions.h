#pragma once

#include "base/task.h"
#include "net/transcript.h"
#include "store/types.h"

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace paquebot::service {

/// A live session as the server knows it: whose it is, and how to end it. Its functions run on the session's own
/// executor.
class LiveSession {
public:
  virtual ~LiveSession() = default;
  /// The server goes down: end at the next boundary.
  virtual void shut_down() = 0;
  /// The account was disabled or removed, or has another password: end now, with words to who waits for the next
  /// command.
  virtual void end() = 0;
  /// Somebody has had enough of it: at once, whatever is under way.
  virtual void break_off() { end(); }
  /// For the list of those that are open.
  virtual net::LiveFacts facts() const { return {}; }
  /// What is said from now on is written down there, as long as it is watched.
  virtual void watch(std::shared_ptr<net::Transcript> transcript) { (void)transcript; }
};

/// All live sessions. Thread-safe.
class Sessions {
public:
  using Token = std::uint64_t;
  /// `session` is only called on `executor`, and never after leave() was called there.
  Token enter(boost::asio::any_io_executor executor, std::weak_ptr<LiveSession> session);
  void logged_in(Token token, store::Id account);
  void leave(Token token);

  /// Also tells those that enter afterwards.
  void shut_down_all();
  void end_account(store::Id account);
  std::size_t count() const;

  /// One of them as it is seen from outside.
  struct Seen {
    Token token = 0;
    std::int64_t since = 0; ///< ms since 1970
    net::LiveFacts facts{};
  };
  /// Those behind `after`, at most `most`, by token; what has ended meanwhile is left out.
  Task<std::vector<Seen>> look(Token after, std::size_t most);
  /// One of them, which is watched from now on; nothing: it has ended.
  Task<std::optional<Seen>> watch(Token token, std::shared_ptr<net::Transcript> transcript);
  /// False: it has ended.
  bool break_off(Token token);

private:
  struct Entry {
    boost::asio::any_io_executor executor;
    std::weak_ptr<LiveSession> session;
    store::Id account = 0;
    std::int64_t since = 0;
  };
  static void tell_shut_down(const Entry& entry);

  mutable std::mutex mutex_;
  std::map<Token, Entry> entries_;
  Token next_ = 1;
  bool shutting_down_ = false;
};

} // namespace paquebot::service
