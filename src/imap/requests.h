#pragma once

#include "imap/uid_set.h"
#include "sasl/server.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What a session asks the outside, and what it is answered. Names of mailboxes are UTF-8, times milliseconds since
/// 1970 UTC, sizes octets.
namespace paquebot::imap {

struct FilterPlan;

/// Bits of a message's flags; keywords have the bits that Keyword says.
enum Flag : std::uint64_t { kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16 };
inline constexpr std::uint64_t kSystemFlags = 31;

struct Keyword {
  unsigned bit = 0;
  std::string name;
};

/// Bits of RFC 6154's special uses.
enum SpecialUse : std::uint8_t {
  kAll = 1,
  kArchive = 2,
  kDrafts = 4,
  kFlaggedUse = 8,
  kJunk = 16,
  kSent = 32,
  kTrash = 64
};

/// Why something was not done.
enum class Fault : std::uint8_t {
  none,
  not_found,   ///< no such mailbox, or the message is gone
  exists,      ///< a mailbox of that name
  over_quota,  ///< of the account
  too_many,    ///< mailboxes, or keywords of one
  refused,     ///< it may not be (INBOX deleted)
  too_large,   ///< the message's head
  unavailable, ///< the store can't now
};

// ---- Answers ----

struct MailboxFacts {
  std::int64_t id = 0;
  std::string name;
  std::uint8_t special_use = 0;
  bool subscribed = false;
  std::uint32_t uidvalidity = 0;
  std::uint32_t uidnext = 1;
  std::int64_t modseq = 0; ///< the highest
  std::uint64_t messages = 0, unseen = 0, deleted = 0, octets = 0;
  std::uint64_t deleted_octets = 0; ///< when they were asked for
};

struct Done {
  Fault fault = Fault::none;
};
struct Folders {
  Fault fault = Fault::none;
  std::vector<MailboxFacts> mailboxes{};
  std::vector<std::string> subscribed{}; ///< names, those without a mailbox too
};
struct Opened {
  Fault fault = Fault::none;
  MailboxFacts facts{};
  std::uint32_t first_unseen = 0; ///< uid, when AskOpen wants to know; 0: none is
  UidSet uids{};
  std::vector<Keyword> keywords{};
};
struct Row {
  std::uint32_t uid = 0;
  std::uint64_t flags = 0;
  std::int64_t modseq = 0;
  std::int64_t internal_date = 0;
  std::uint64_t size = 0; ///< head and body
  std::int64_t saved = 0; ///< when it came into this mailbox (RFC 8514)
  /// The same for copies of one message (RFC 8474); not in Stored and News.
  std::array<unsigned char, 16> email{};
  bool untouched = false; ///< Stored only: it was so before
};
/// What changed in the selected mailbox since the last one was asked for.
struct News {
  Fault fault = Fault::none; ///< not_found: the mailbox is gone
  UidSet gone{};
  UidSet added{};
  std::vector<Row> changed{}; ///< their flags
  std::int64_t modseq = 0;    ///< of the mailbox with all that
  std::vector<Keyword> keywords{};
};
/// What happened in the selected mailbox behind a modseq (RFC 7162), of what it has now.
struct Since {
  Fault fault = Fault::none;
  UidSet changed{};      ///< there, new or with other flags
  UidSet gone{};         ///< deleted since
  bool all_gone = false; ///< `gone` is not known so far back: all that are not there may be
};
struct Rows {
  Fault fault = Fault::none;
  std::vector<Row> rows{}; ///< ascending; those that are gone are not there
};
struct Content {
  Row row;
  std::string head; ///< whole, with the empty line
  std::uint64_t body_size = 0;
  std::optional<std::string> text{}; ///< the whole body, when it is small
};
/// At least one, unless not_found: the first one is gone.
struct Contents {
  Fault fault = Fault::none;
  std::vector<Content> contents{};
};
struct Piece {
  Fault fault = Fault::none;
  std::string bytes{};
};
struct Stored {
  Fault fault = Fault::none;
  std::vector<Row> rows{};         ///< of those that are there
  UidSet refused{};                ///< changed behind AskStore::unchanged_since
  std::vector<Keyword> keywords{}; ///< of the mailbox, now
};
struct Copied {
  Fault fault = Fault::none;
  std::uint32_t uidvalidity = 0;
  std::vector<std::uint32_t> from{}, to{}; ///< uids, in pairs
};
struct Appended {
  Fault fault = Fault::none;
  std::uint32_t uidvalidity = 0;
  UidSet uids{};     ///< in the order of the messages; empty: they have none to tell
  bool both = false; ///< what it was to replace is still there: the store can't delete it now
};
/// Octets of all mailboxes of the account.
struct Quota {
  Fault fault = Fault::none;
  std::uint64_t used = 0;
  std::uint64_t bound = 0; ///< 0: none
};
/// Messages of the selected mailbox that a search need not look at.
struct RuledOut {
  UidSet uids{};
};
using Answer =
    std::variant<Done, Folders, Opened, News, Since, Rows, Contents, Piece, Stored, Copied, Appended, Quota, RuledOut>;

// ---- Questions ----

/// Folders: all mailboxes of the account.
struct AskFolders {
  bool deleted_octets = false; ///< they are wanted
};
/// Opened: facts, uids and keywords of this one; it is the selected one from then on.
struct AskOpen {
  std::string name;
  bool read_only = false;
  bool first_unseen = false; ///< it is wanted
};
/// Done, not to be waited for: none is selected any more.
struct AskClose {};
/// Done.
struct AskFolder {
  enum class What : std::uint8_t { create, remove, rename, subscribe, unsubscribe };
  What what;
  std::string name;
  std::string other{};          ///< rename: the new one
  std::uint8_t special_use = 0; ///< create
};
/// Opened without uids: facts of one that need not be selected.
struct AskStatus {
  std::string name;
  bool deleted_octets = false; ///< they are wanted
};
/// News of the selected one.
struct AskNews {};
/// Since.
struct AskSince {
  std::int64_t modseq = 0;
};
/// Rows of messages of the selected one, at most those of `uids` (at most kRowsAtOnce).
struct AskRows {
  UidSet uids;
};
inline constexpr std::size_t kRowsAtOnce = 500;
/// Contents, in the order of `uids` from the first on, as many as go into memory.
struct AskContents {
  std::vector<std::uint32_t> uids;
};
/// Piece of the body of the message that Contents gave last under this uid; not empty.
struct AskBody {
  std::uint32_t uid;
  std::uint64_t offset;
  std::size_t most;
};
/// Stored.
struct AskStore {
  enum class How : std::uint8_t { add, remove, replace };
  UidSet uids; ///< at most kRowsAtOnce
  How how = How::add;
  std::uint64_t flags = 0; ///< system flags
  std::vector<std::string> keywords{};
  std::optional<std::int64_t> unchanged_since{}; ///< those with a higher modseq are left alone
};
/// Done: those of these that are marked as deleted are deleted.
struct AskExpunge {
  UidSet uids;
};
/// Copied. All or none, but that a move may end half-way.
struct AskCopy {
  UidSet uids;
  std::string to;
  bool move = false;
};
/// Done: a message begins, of which AskAppendPiece brings the octets. Behind one that was not ended by AskAppendEnd it
/// is the next one of the same mailbox (RFC 3502): all become durable, or none.
struct AskAppend {
  std::string mailbox;
  std::uint64_t flags = 0;
  std::vector<std::string> keywords{};
  std::int64_t date = 0; ///< 0: now
  std::uint64_t size = 0;
};
/// Done. The octets stay until the answer.
struct AskAppendPiece {
  std::string_view bytes;
};
/// Appended: durable, or all that was begun is dropped when not `whole`. Then what it replaces is deleted.
struct AskAppendEnd {
  bool whole = true;
  std::uint32_t replaces = 0; ///< uid in the selected mailbox (RFC 8508); 0: nothing
};
/// Quota.
struct AskQuota {};
/// RuledOut, by what an index knows of texts; of nothing where there is none.
struct AskRuledOut {
  std::shared_ptr<const FilterPlan> plan;
};
/// Done: whether this connection may be compressed (RFC 4978). too_many: others are.
struct AskCompress {};
inline constexpr std::size_t kMostAppended = 100; ///< messages of one command
using Question = std::variant<AskFolders, AskOpen, AskClose, AskFolder, AskStatus, AskNews, AskSince, AskRows,
                              AskContents, AskBody, AskStore, AskExpunge, AskCopy, AskAppend, AskAppendPiece,
                              AskAppendEnd, AskQuota, AskRuledOut, AskCompress>;

} // namespace paquebot::imap
