#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "mail/status.h"
#include "store/books.h"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace paquebot::policy {

/// What accounts have used of their sending bounds, as a session sees it before the content comes: read from the store,
/// and again when it is older than kFresh. It only spares a client the sending of what would be refused; the accepting
/// transaction decides. Thread-safe.
class LimitBook {
public:
  /// Both must outlive it.
  LimitBook(store::Books& store, const Clock& clock);

  /// The bounds for accounts without their own.
  void configure(const store::Limits& general);
  std::shared_ptr<const store::Limits> general() const;

  /// MAIL: may the account send one more message of `size` octets (0: unknown)? Code 0 when it may; what the
  /// store can't tell is no reason to refuse.
  Task<mail::Reply> check_message(store::Id account, std::string login, std::uint64_t size);
  /// RCPT: and to one more recipient, when the message has `before` already?
  Task<mail::Reply> check_recipient(store::Id account, std::string login, std::uint64_t before);
  /// The account was charged: its numbers are read again when they are needed.
  void forget(store::Id account);

private:
  using Uses = std::vector<store::LimitUse>;
  Task<std::shared_ptr<const Uses>> uses(store::Id account);

  struct Page {
    std::shared_ptr<const Uses> uses;
    Instant read;
  };
  store::Books& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const store::Limits> general_;
  std::unordered_map<store::Id, Page> pages_;
};

/// How long what was read may be used.
inline constexpr std::chrono::seconds kFresh{5};

/// What the bound is, in words: "300 messages an hour".
std::string limit_text(store::LimitKind kind, std::uint64_t most);
/// The reply to who meets it: which bound, how much of it is used, and until when.
mail::Reply over_limit(const store::LimitHit& hit, const std::string& login);

} // namespace paquebot::policy
