#pragma once

#include "base/result.h"
#include "base/ulid.h"
#include "imap/search_filter.h"
#include "store/mailboxes.h"
#include "store/sqlite/db.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::search {

/// Of which message of which mailbox a row is.
struct Place {
  store::Id mailbox = 0;
  std::uint32_t uid = 0;
};
/// Larger ids of mailboxes are not kept: their mail is read when it is searched.
inline constexpr store::Id kMostMailboxes = 0x7FFF'FFFF;
inline constexpr std::uint64_t kDroppedAtOnce = 2000; ///< rows, in one transaction

/// The fingerprints of messages, in a file of SQLite's for which nothing is promised: whoever may not trust it removes
/// it, and it is filled again. No text is in it. Each row has a checksum, so that what the disk has changed rules
/// nothing out. One thread at a time; errors are DbError.
class IndexFile {
public:
  /// Removes what is at `path` if it is of another form, and makes it if it isn't there, for its owner alone.
  explicit IndexFile(const std::string& path);
  /// With what SQLite keeps beside it.
  static void remove(const std::string& path);

  void begin() { db_.exec("BEGIN"); }
  void commit() { db_.exec("COMMIT"); }

  /// False: there is one already, or the place is none that is kept.
  bool put(Place place, const Ulid& message, const imap::Fingerprint& print);
  /// How many were dropped: kDroppedAtOnce at most, then there may be more.
  std::uint64_t drop(store::Id mailbox, store::UidRun uids);

  struct Row {
    std::uint32_t uid = 0;
    Ulid message;
  };
  /// Ascending.
  std::vector<Row> list(store::Id mailbox, store::UidRun uids);
  /// The first mailbox behind `after` that has rows.
  std::optional<store::Id> next_mailbox(store::Id after);
  std::uint64_t count();

  /// Gives back what is free, and forgets what was deleted in the log, too. False: there is more of it.
  bool tidy();

private:
  store::sqlite::Db db_;
};

/// Reads what an IndexFile writes; another thread may.
class IndexReader {
public:
  explicit IndexReader(const std::string& path);
  std::uint64_t count();
  /// Reads all of it: what is not as it was written, in words; empty when nothing is.
  std::string check();
  /// Those that a search by this plan does not find. `damaged` is set when a row is not as it was written.
  store::UidSet rule_out(store::Id mailbox, const imap::FilterPlan& plan, bool& damaged);

private:
  store::sqlite::Db db_;
};

} // namespace paquebot::search
