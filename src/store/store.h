#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "store/acceptance.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/books.h"
#include "store/certificates.h"
#include "store/change.h"
#include "store/content_store.h"
#include "store/credentials.h"
#include "store/directory_store.h"
#include "store/feed.h"
#include "store/mailboxes.h"
#include "store/queue_store.h"
#include "store/rights.h"
#include "store/signing_keys.h"
#include "store/trail.h"
#include "store/upkeep.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::store {

/// Everything durable, in parts that each have a header with their contract. Spoken in the words of the domain, so that
/// SQLite in this process and PostgreSQL on several nodes can stand behind it; no call assumes one process. Who needs
/// one part takes that part; they live as long as their store.
///
/// For all parts: methods may be called from any thread's coroutine and resume there; each is one transaction or one
/// short read; nothing stays open across a co_await. After a method that writes returns success, its effect is durable.
/// Errors: no_space (disk full), io (store failing; retry later), conflict, not_found, closed. Every execution context
/// whose coroutines use a store must outlive it, and none may be waiting in it when it ends.
class Store {
public:
  virtual ~Store() = default;

  virtual Acceptance& acceptance() = 0;
  virtual ContentStore& content() = 0;
  virtual QueueStore& queue() = 0;
  virtual Trail& trail() = 0;
  virtual Mailboxes& mailboxes() = 0;
  virtual DirectoryStore& directory() = 0;
  virtual Credentials& credentials() = 0;
  virtual Rights& rights() = 0;
  virtual Access& access() = 0;
  virtual AuditLog& audit() = 0;
  virtual SigningKeys& keys() = 0;
  virtual Certificates& certificates() = 0;
  virtual Books& books() = 0;
  virtual Upkeep& upkeep() = 0;
  virtual Feed& feed() = 0;

  /// This store for one order: the first transaction that changes something by the parts of this one (of what accounts,
  /// domains, rights and the queue are; not by acceptance, content and mailboxes) keeps the entry, too, so that a crash
  /// leaves both or neither. A commit of which nobody knows (Errc::io) may have done both. Must end before this store
  /// does. Null: this store can't.
  [[nodiscard]] virtual std::unique_ptr<Store> bound(std::shared_ptr<PendingEntry> entry) = 0;

  /// `told` is called for each change, of whichever thread, after its commit and before who made it hears that it is
  /// done. It must be quick and ask nothing of the store: what there is to do it posts elsewhere. Changes that are made
  /// while nobody waits for their end may be missed.
  [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(std::function<void(const Change&)> told) = 0;
};

struct StoreOptions {
  unsigned readers = 2;                  ///< threads that read what mail and sessions wait for
  std::uint64_t byte_budget = 64u << 20; ///< staged chunks waiting to be written
  std::int64_t keep_trail_ms = 30LL * 24 * 3600 * 1000;
  std::int64_t budget_patience_ms = 20'000; ///< how long Staged::append waits for a place in the budget
  std::int64_t lock_patience_ms = 0;        ///< how long to wait for another process that uses the directory
  // Of a database that several nodes work on:
  std::string node{};           ///< this one's name; the machine's when empty
  std::string node_directory{}; ///< its own, by which what it left behind is known; empty: it has none
  std::string version{};        ///< of the program
  bool moved_too = false;       ///< also one that was copied elsewhere, or is half a copy (copy_store)
  const Clock* clock = nullptr; ///< the system's when null; must outlive the store
  /// The store could not be opened again after a failed sync; or another node ended its epoch (opened anew it has
  /// another). Told why, perhaps more than once; by default that is logged, and the process ends with status 70. When
  /// it returns, every later change fails with Errc::closed, or Errc::epoch_ended.
  std::function<void(std::string)> on_fatal;
};

/// Whether it is the address of a PostgreSQL database.
bool is_database(const std::string& url);
/// Whether such an address is understood, and holds no password; the error repeats nothing of it. Gives the files that
/// are read to reach the database.
Result<std::vector<std::string>> check_database(const std::string& url);
/// Looks at such a database: an error when it can't be reached, or can't be a store; else what makes its promises weak,
/// a sentence each.
Result<std::vector<std::string>> doubt_database(const std::string& url);

/// Opens the store at `url`, making it when absent: "sqlite:DIRECTORY", or the directory alone (open_sqlite); or
/// "postgresql://…" (open_postgres). unsupported when it begins with the name of another kind.
Result<std::unique_ptr<Store>> open_store(const std::string& url, StoreOptions options = {});

} // namespace paquebot::store
