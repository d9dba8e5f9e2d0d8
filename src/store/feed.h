#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"
#include "store/within.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::store {

/// Whom we tell of events as they happen: a URL that is posted to (docs/webhooks.md).
struct Hook {
  /// Numbers are stored.
  enum class State : std::uint8_t { active = 1, paused };

  Id id = 0;
  Id account = 0;      ///< whose: it is told of what is within reach of that account; 0: the server's own, of all
  std::string login{}; ///< of the account; filled when read
  std::string url;
  std::vector<std::string> events{};  ///< words of events, or "message.*"; empty: all
  std::vector<std::string> domains{}; ///< only what is about these; empty: all within reach
  std::string secret;                 ///< octets that what is posted is signed with
  std::string old_secret{};           ///< the one before, with which it is signed as well
  std::int64_t old_until = 0;         ///< until then
  std::int64_t created = 0;
  State state = State::active;

  // How far it has come, noted by whoever posts:
  Id cursor = 0;              ///< the last row of the feed of which all was taken
  std::uint32_t failures = 0; ///< attempts in a row that failed
  std::int64_t failing_since = 0;
  std::int64_t again_at = 0;     ///< no attempt before
  std::string last_error{};      ///< of the last attempt that failed; of a paused one: why
  std::int64_t delivered_at = 0; ///< when something was taken last
};

/// What the feed says of a message: who sent it, and the recipients that its events concern.
struct FeedMessage {
  Ulid id;
  MessageClass klass = MessageClass::incoming;
  Id account = 0;         ///< who submitted it
  std::string login{};    ///< of that account
  std::string sender{};   ///< its return address
  std::string metadata{}; ///< Sending::metadata
  struct Whom {
    std::uint32_t index = 0;
    std::string address;
    std::string login{}; ///< of the account whose mailbox it is in
    bool named = true;   ///< by the sender: no alias led here
  };
  std::vector<Whom> recipients{}; ///< those that the events name; of an acceptance all
};

/// What one transaction did to one message, or something else that was told.
struct FeedRow {
  Id id = 0;
  std::int64_t at = 0;
  std::optional<FeedMessage> message{}; ///< nothing: it is gone, or this is about something else
  Ulid about_message{};
  std::vector<Event> events{}; ///< of the message
  std::string word{};          ///< of something else: "account.suspected"; kFeedGap: what came before was not written
  std::string about{};         ///< an account's login, a domain, a name
  std::string detail{};
};
inline constexpr std::string_view kFeedGap = "gap";

/// The feed: what happens to mail and accounts, in rows that the transactions of those steps write, so that nothing is
/// lost between the step and whoever is told. Rows are written while there is a hook, or while somebody watches;
/// upkeep forgets them after kKeepFeed. Their ids rise in the order of the transactions.
class Feed {
public:
  virtual ~Feed() = default;

  /// The id of the last row, which may not be committed yet. Costs nothing.
  virtual Id last() = 0;
  /// Somebody reads along: rows are written until then (milliseconds since 1970), if for no other reason.
  virtual void watch(std::int64_t until) = 0;
  /// At most so many rows behind `after`, in their order.
  virtual Task<Result<std::vector<FeedRow>>> read(Id after, std::size_t most) = 0;
  /// The id of the first row that is kept; 0: there is none.
  virtual Task<Result<Id>> first() = 0;
  /// Something that no transaction of its own tells of.
  virtual Task<Result<>> tell(std::string word, std::string about, std::string detail) = 0;

  /// Begins behind what was told before. no_space when the account has 20, not_found when there is no such account.
  virtual Task<Result<Hook>> add_hook(Hook hook) = 0;
  virtual Task<Result<>> remove_hook(Id id) = 0;
  /// By id. Nothing: everybody's.
  virtual Task<Result<std::vector<Hook>>> list_hooks(std::optional<Id> account) = 0;
  /// By id, behind `after`, at most `most`: of one account, or of everybody within reach. The server's own are only in
  /// the list of all.
  virtual Task<Result<std::vector<Hook>>> page_hooks(std::optional<Id> account, Within within, Id after,
                                                     std::size_t most) = 0;
  virtual Task<Result<Hook>> get_hook(Id id) = 0;
  /// Its URL, events, domains, secrets and state; one that becomes active is tried at once.
  virtual Task<Result<>> change_hook(Hook hook) = 0;
  /// How far it has come; passed over when its cursor is not `from` any more, since it was set back meanwhile.
  virtual Task<Result<>> note_hook(Hook hook, Id from) = 0;
  /// Begins again with what was told since then, as far as it is kept: the cursor that it has now.
  virtual Task<Result<Id>> replay_hook(Id id, std::int64_t since) = 0;
};

/// Milliseconds that rows of the feed are kept while there is a hook, and while only somebody watches.
inline constexpr std::int64_t kKeepFeed = 3 * 24 * 3600 * 1000LL;
inline constexpr std::int64_t kKeepWatched = 3600 * 1000LL;
inline constexpr std::int64_t kMostHooks = 20; ///< of an account

} // namespace paquebot::store
