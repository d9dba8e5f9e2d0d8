#pragma once

#include "base/result.h"
#include "base/task.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::store {

/// An order that somebody gave.
struct AuditEntry {
  std::int64_t id = 0;   ///< rises; 0 until it is kept
  std::int64_t at = 0;   ///< 0: now
  std::string who;       ///< "ann@example.org's token backup"
  std::string login{};   ///< of the account that it was; empty: the server's own
  std::string role{};    ///< what it was then: "operator"
  std::string from{};    ///< the address it came from; empty: this machine's control socket
  std::string action{};  ///< "account.remove"
  std::string subject{}; ///< what it was about, with blanks between
  std::string outcome{}; ///< "done", or why not; "begun": the server ended before it could say
};

/// The entry of an order that is being carried out, for a store that keeps it in the order's own transaction
/// (Store::bound). Thread-safe.
class PendingEntry {
public:
  explicit PendingEntry(AuditEntry entry) : entry_(std::move(entry)) {}
  const AuditEntry& entry() const { return entry_; }
  /// The id that it is kept under; 0: by no transaction yet.
  std::int64_t kept() const { return id_; }
  /// How many transactions have changed something for the order.
  int changes() const { return changes_; }
  /// One has: it kept the entry under this id, unless an earlier one did (0).
  void changed(std::int64_t id) {
    ++changes_;
    if (id != 0) id_ = id;
  }

private:
  const AuditEntry entry_;
  std::atomic<std::int64_t> id_ = 0;
  std::atomic<int> changes_ = 0;
};

/// Which of them.
struct AuditFilter {
  std::string login{};     ///< that this account gave, or that were about it; empty: any
  std::string action{};    ///< empty: any
  std::int64_t before = 0; ///< with a lower id; 0: any
};

/// Who did what. What is older than kKeepAudit, and more than kMostAudit entries, upkeep forgets.
class AuditLog {
public:
  virtual ~AuditLog() = default;

  /// Texts are cut to kAuditText octets.
  virtual Task<Result<>> add(AuditEntry entry) = 0;
  /// Says of an entry that is kept what it was about and what came of it, as it is known by now.
  virtual Task<Result<>> amend(std::int64_t id, std::string subject, std::string outcome) = 0;
  /// The newest first.
  virtual Task<Result<std::vector<AuditEntry>>> list(AuditFilter filter, std::size_t most) = 0;
};

inline constexpr std::int64_t kKeepAudit = 400LL * 24 * 3600 * 1000;
inline constexpr std::int64_t kMostAudit = 200'000;
inline constexpr std::size_t kAuditText = 1000;

} // namespace paquebot::store
