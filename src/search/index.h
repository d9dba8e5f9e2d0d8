#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "imap/search_filter.h"
#include "search/index_file.h"
#include "store/store.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace paquebot::search {

/// How the index does.
struct IndexFacts {
  enum class State : std::uint8_t {
    off,
    filling, ///< some mail is not in it yet
    current,
    failing, ///< `why`; it is tried again
    stopped, ///< nobody fills it
  };
  State state = State::off;
  std::uint64_t messages = 0; ///< in it
  std::uint64_t behind = 0;   ///< that are to be looked at
  std::uint64_t octets = 0;   ///< of its file
  std::string why{};
};

/// Of an index that nobody has open; messages 0 when the file can't be read.
IndexFacts facts_of_file(const std::string& directory);
/// Reads the whole file, which somebody may be filling: what is damaged, in words; empty when nothing is, or there is
/// none. Whoever opens it makes it anew.
std::string damage_of_file(const std::string& directory);

/// Knows for each message of all mailboxes which searches can't find it, behind the store: mail is taken in, and
/// searched, without it. It follows the changes that the store tells of; what it has not looked at yet rules nothing
/// out. A mailbox is used only once its rows were compared with the store in this run: so neither a store that was
/// restored nor a file of old makes it wrong.
class Index {
public:
  /// search.db in `directory`. `store` must outlive it, and nobody may be waiting when it ends.
  Index(store::Store& store, std::string directory);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // Of any thread.

  /// Off: the file is removed by the next round.
  void configure(bool on) { on_ = on; }
  /// What the store tells of (store::Store::subscribe).
  void tell(const store::Change& change);
  /// Begins anew.
  void rebuild();
  IndexFacts facts() const;
  /// Messages of a mailbox that this search does not find.
  Task<store::UidSet> rule_out(store::Id mailbox, std::shared_ptr<const imap::FilterPlan> plan);
  /// The round that is under way ends soon, and run() with it.
  void stop() { stopping_ = true; }

  // On one executor, best of a thread that gives way to others.

  /// One round after another until stop().
  Task<void> run();
  /// All that is to be done now. Errors: the store, or the file; what was not done is done by a later round.
  Task<Result<>> round();

private:
  struct Cursor {
    std::uint32_t uidnext = 1;
    std::int64_t modseq = 0;
    store::Id account = 0; ///< 0: not known
  };
  struct Box {
    store::MailboxView view;
    std::uint64_t count = 0;
    store::Id account = 0;
    bool counted = true; ///< its mail is in behind_
  };
  class Searcher;
  static constexpr std::size_t kEntriesAtOnce = 500;
  static constexpr store::UidRun kAllUids{0, UINT32_MAX};

  Task<Result<>> attempt();
  void open();
  void close(bool remove);
  bool may_go_on() const { return !stopping_ && on_ && !anew_; }
  Task<Result<>> work();
  Task<Result<>> look_at_all();
  Task<Result<std::vector<Box>>> list_boxes();
  Task<Result<>> compare(Box box);
  Task<Result<std::uint32_t>> compare_some(store::Id mailbox, std::uint32_t after, bool counted);
  Task<Result<>> follow(store::Id mailbox);
  Task<Result<>> begin_with(store::Id mailbox, store::Id account);
  Task<Result<>> follow_changes(store::Id mailbox, Cursor from);
  Task<Result<>> add(store::Id mailbox, std::vector<std::uint32_t> uids);
  void drop(store::Id mailbox, store::UidRun uids);
  void drop_others(const std::vector<Box>& boxes);
  std::vector<store::Id> take_changed();
  void keep(store::Id mailbox, Cursor cursor);
  void forget(store::Id mailbox);
  void did(std::uint64_t messages);
  void note(const Result<>& done);

  store::Store& store_;
  const std::string path_;
  std::atomic<bool> on_ = false, stopping_ = false;
  std::atomic<bool> all_due_ = false; ///< all mailboxes are to be compared
  std::atomic<bool> looking_ = false; ///< and they are
  std::atomic<bool> anew_ = false;    ///< the file is to be removed first
  std::atomic<std::uint64_t> messages_ = 0, behind_ = 0;

  std::optional<IndexFile> file_; ///< round()'s
  bool tidy_ = true;              ///< likewise: nothing was dropped that takes room
  bool removed_ = false;          ///< likewise: there is no file

  mutable std::mutex mutex_;
  std::unordered_map<store::Id, Cursor> known_; ///< mailboxes that were compared, and up to where they were followed
  std::unordered_set<store::Id> changed_;
  std::vector<store::Id> ended_; ///< accounts of which something ended
  bool opened_ = false;
  std::string why_; ///< of the last failure

  const std::unique_ptr<Searcher> searcher_;
};

} // namespace paquebot::search
