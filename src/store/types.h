#pragma once

#include "base/ulid.h"
#include "mail/bounce_class.h"
#include "mail/envelope.h"
#include "mail/told.h"
#include "store/directory_facts.h"
#include "store/dmarc_days.h"
#include "store/sending.h"
#include "store/sending_limits.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The words of the data model. Times are milliseconds since 1970 UTC; sizes are octets.
namespace paquebot::store {

// ---- Messages ----

/// Where a message came from; decides how it is treated on its way.
enum class MessageClass : std::uint8_t { incoming = 1, submitted, local, report, imported };

/// State of a recipient (docs/life-of-a-message.md). Numbers are stored: never change them.
enum class State : std::uint8_t { held = 1, waiting, in_hand, in_mailbox, relayed, expanded, failed, dropped };

/// A report that a recipient still owes the sender. Numbers are stored.
enum class Owed : std::uint8_t { none = 0, failure, delay, success };

/// Why a recipient is held, which its reason says in words. Numbers are stored.
enum class HoldKind : std::uint8_t {
  none = 0,   ///< it is not
  other,      ///< held by a version that did not write it down, or nobody says
  unowned,    ///< an address of ours that leads to no account
  quarantine, ///< the policy of its author's domain asks for it
  filter,     ///< a content filter does
  order,      ///< an operator's
  takeover,   ///< the account that sent it looks taken over (Suspicion)
  restored,   ///< it waited when the backup was made that was restored
  damaged,    ///< its message is missing from the store
  suspended,  ///< an operator's standing order about its account or its domain (Suspension)
};

class Staged; // store/staged.h

/// The body as the accepting transaction gets it: small in memory, or staged before.
struct NewBody {
  std::string bytes;                               ///< at most kInlineBody octets; used when nothing is staged
  std::shared_ptr<Staged> staged{};                ///< finished
  std::uint64_t size = 0;                          ///< octets
  mail::BodyType type = mail::BodyType::seven_bit; ///< what the content needs
};
inline constexpr std::size_t kInlineBody = 128u << 10, kBodyChunk = 256u << 10, kMaxHead = 1u << 20;

/// A stored body.
struct BodyRef {
  Id id = 0;   ///< row of the body
  Id bulk = 0; ///< its id in the bulk store; 0: inline
  std::uint64_t size = 0;
};

/// What is said of a message beside its content, from its acceptance to the end of its trail.
struct Envelope {
  Ulid id;
  MessageClass klass = MessageClass::incoming;
  mail::Sender sender;
  bool content_8bit = false; ///< head or body hold octets beyond ASCII
  Id account = 0;            ///< who submitted it
  std::string peer;          ///< "client.example [192.0.2.1]", for the trail
  bool by_api = false;       ///< a program handed it in by POST /v1/send: suppression lists are kept for it
  std::int64_t accepted_at = 0;
  std::int64_t expires_at = 0; ///< end of the queue lifetime
};

/// Whose work a message is, among what waits for the same place: what an account sends itself, what its programs hand
/// in, and all that no account submitted have a lane each.
inline Id lane_of(const Envelope& message) { return message.account * 2 + (message.by_api ? 1 : 0); }

/// What is said of each recipient all the while.
struct Recipient {
  std::string address; ///< "local@domain": where it goes
  std::string orcpt;
  std::uint8_t notify = mail::kNotifyUnspecified;
  std::int32_t parent = -1; ///< index of the recipient whose expansion gave this one; -1: named by the sender
  std::string via;          ///< remote: the address of ours that forwards to it; empty when named by the sender
  std::string destination;  ///< remote: key of the destination ("example.org", "route:isp")
  std::int64_t due = 0;     ///< remote: not before
  Id account = 0;           ///< of a mailbox: whose
  Owed owed = Owed::none;
  HoldKind hold{};    ///< held: why
  std::string reason; ///< held, failed, dropped: why, in words, of whom
};

/// What is to become of a recipient. Numbers are stored: never change them. `failed`: refused at once, for mail that
/// has no session to refuse in (drop directory); owes a report by `owed`.
enum class Handling : std::uint8_t { mailbox, remote, expanded, held, failed };

struct NewRecipient : Recipient {
  Handling handling = Handling::remote;
  std::string mailbox{}; ///< mailbox: its name; INBOX when empty, or when there is none of that name (any more)
  /// mailbox: before its name the one with one of these uses (Folder::special_use) counts, when there is one.
  std::uint8_t special_use = 0;
  bool in_hand = false;      ///< remote: this node delivers it at once from memory
  std::uint16_t code = 0;    ///< failed: the codes of our refusal, whose words `reason` has
  mail::EnhancedCode status; ///< likewise
  std::int64_t deadline = 0; ///< remote: when the sender's BY runs out; 0: never (claim_overdue)
};

/// A message about to become ours, but for its recipients.
struct NewMessage : Envelope { // its id is chosen by who brings it; accepting the same one twice gives `duplicate`
  bool new_id = false; ///< the id is made for this acceptance alone: it is not looked up whether it was accepted before
  std::string head;    ///< at most kMaxHead
  NewBody body;
  std::string note;               ///< detail of the `accepted` event
  std::int64_t internal_date = 0; ///< of content that is older than its acceptance (imports); 0: accepted_at
  std::uint64_t flags = 0;        ///< bits of Flag
  /// By which name POP3 clients know it (1 to 70 characters 0x21 to 0x7E); empty, or taken there: a new one.
  std::string uidl;
  std::vector<std::string> keywords{}; ///< names; those for which its mailbox has no room are left out
  /// Imports: the uid that it had elsewhere, which it keeps when its mailbox has given no higher one and it is at most
  /// kMostKeptUid; else, and when 0, the next one.
  std::uint32_t uid = 0;
  /// What tells it from others; imported into the same account twice it is a `duplicate`. Empty: nothing does.
  std::string digest;
  struct Settles { ///< reports only: the marks that this one settles, cleared in the same transaction
    Ulid message;
    std::vector<std::uint32_t> recipients; ///< indexes
    /// What each of them owed when the report was written; when it owes something else by now (a delay that has become
    /// a failure), nothing is accepted and the answer is `duplicate`: read owed_reports again. Empty: whatever they
    /// owe.
    std::vector<Owed> marks;
  };
  std::optional<Settles> settles;
  /// Aggregate reports of DMARC only: what it is about is forgotten in the same transaction; `duplicate` when nothing
  /// is there.
  std::optional<DmarcDay> dmarc;
  /// Submissions: `account` is charged within these bounds, or its own, in the same transaction. Null: nothing is
  /// counted.
  std::shared_ptr<const Limits> limits;
  std::optional<Sending> sending{}; ///< `duplicate` when the account has sent something under its key already
};

/// One acceptance. What it says becomes durable as a whole or not at all.
struct AcceptRequest : NewMessage {
  std::vector<NewRecipient> recipients;
};

/// Flags of a mailbox entry, as IMAP knows them. Numbers are stored.
enum Flag : std::uint32_t { kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16 };

/// `suppressed`: of a message by the API, an address is on a suppression list by now that was not when it was named.
enum class AcceptStatus : std::uint8_t {
  accepted,
  duplicate,
  over_quota,
  over_limit,
  account_gone,
  suppressed,
  no_space,
  failed
};

struct AcceptResult {
  AcceptStatus status = AcceptStatus::failed;
  std::vector<std::uint32_t> recipients; ///< whom over_quota, account_gone or suppressed concern (indexes)
  std::string why;                       ///< private, for the log
  std::optional<LimitHit> limit;         ///< over_limit: which
  std::vector<LimitHit> passed; ///< accepted: bounds of which most is used up now, for the first time in their window
  std::vector<std::string> addresses{}; ///< the same as addresses; filled in by queue::Queue::accept
  /// accepted: the account is marked (Suspicion) or suspended, so all recipients are held and none is in hand
  bool held = false;
  std::vector<std::uint32_t> suspended{}; ///< accepted: whom a Suspension holds (indexes): these are not in hand
  std::vector<Id> mailboxes{};            ///< accepted: into which it came
  std::vector<std::uint32_t> uids{};      ///< likewise: its uid in each
};

// ---- Queue ----

/// A message that is ours.
struct MessageFacts : Envelope {
  Id head = 0; ///< 0: content is gone (everything is done)
  std::uint64_t head_size = 0;
  BodyRef body;
  std::uint64_t size() const { return head_size + body.size; }
};

struct RecipientFacts : Recipient {
  std::uint32_t index = 0;
  State state = State::waiting;
  std::uint32_t attempts = 0;
  bool delay_reported = false;
  mail::Told last_reply;       ///< what the last attempt came to; Handling::failed: our refusal
  mail::BounceClass bounce{};  ///< of that, where it was not taken; or of a report that came later
  std::int64_t changed_at = 0; ///< of the last transition or attempt
};

/// It waits for the time until which its sender wanted it held (RFC 4865): not tried yet, and not let go before by an
/// operator. Once that time has come it is simply due.
inline bool is_held_for_later(const MessageFacts& m, const RecipientFacts& r) {
  return r.state == State::waiting && r.attempts == 0 && m.sender.hold.until != 0 && r.due >= m.sender.hold.until;
}

/// A message with those of its recipients that are in hand for one destination.
struct WorkItem {
  MessageFacts message;
  std::vector<RecipientFacts> recipients;
};

/// What is known of a place we send to.
struct DestinationFacts {
  Id id = 0;
  std::string key;
  std::int64_t earliest_due = 0, oldest = 0; ///< of what waits: when due next, and accepted first; 0: nothing waits
  std::int64_t backoff_until = 0;
  std::uint32_t failures = 0; ///< attempts in a row that failed as a whole
  std::string last_error;
  std::uint64_t waiting = 0; ///< like `oldest` filled only by list_destinations(true)
};

/// One recipient's transition out of `in_hand` (or, for operators, of any unfinished state).
struct Outcome {
  Ulid message;
  std::uint32_t index = 0;
  State to = State::waiting;  ///< waiting (deferred), relayed, failed, held
  std::int64_t due = 0;       ///< waiting: next attempt
  bool attempted = true;      ///< counts as an attempt
  Owed owed = Owed::none;     ///< report owed from now on
  mail::Told reply;           ///< what the attempt came to, or why there was none, for the trail and the report
  mail::BounceClass bounce{}; ///< of `reply`, where it was not taken
  bool deadline_met = false;  ///< what its deadline asks for is done: claim_overdue() gives it no more
};

/// The destination as a whole failed or worked again; part of the same transaction as outcomes. Relative to what is
/// known by then, so that nodes that learn it at the same time don't undo each other's: those that fail before the
/// back-off has ended count once, and the later end holds.
struct DestinationUpdate {
  std::string key;
  std::int64_t failed_until = 0; ///< not tried again until then; 0: it works
  std::string error;             ///< what it failed with
};

/// What was learnt of a site (queue::Site), to be known after a restart.
struct SiteFacts {
  std::string key;
  std::uint32_t most = 0; ///< connections; 0: as many as are configured
  std::int64_t pace = 0;  ///< milliseconds from one message to the next; 0: any; below 0: learnt from a few messages
  std::uint32_t per_connection = 0;
  std::int64_t pause_until = 0; ///< 0: there is no pause
  std::uint32_t blocks = 0;     ///< pauses in a row
  std::string why;
  std::int64_t learned_at = 0;
  bool empty() const { return most == 0 && pace == 0 && per_connection == 0 && pause_until == 0 && blocks == 0; }
  bool operator==(const SiteFacts&) const = default;
};

/// What a claim gives: work, and how the destination fares, as other nodes may have found out.
struct Claim {
  std::vector<WorkItem> items;
  std::vector<Id> lanes{}; ///< of which more was due before it; not all, if `many`
  bool many = false;
  std::int64_t backoff_until = 0;
  std::uint32_t failures = 0;
  std::string last_error;
};

/// A message that owes its sender a report.
struct OwedReport {
  MessageFacts message;
  std::vector<RecipientFacts> recipients; ///< those that owe
};
struct OwedPage {
  std::vector<OwedReport> reports;
  std::optional<Ulid> next; ///< where to go on; nothing: these were the last
};

// ---- Trail ----

/// Numbers are stored.
enum class EventKind : std::uint8_t {
  accepted = 1,
  delivered,
  expanded,
  relayed,
  deferred,
  failed,
  reported,
  held,
  released,
  dropped,
  retrieved,
  removed,
  returned,   ///< a delivery report about it came by mail
  suppressed, ///< left out since its address is on a suppression list: "address: why"
  warned,     ///< its address is on such a list, and it was sent all the same
  complained, ///< a feedback report about it came by mail
};

struct Event {
  std::int64_t at = 0;
  EventKind kind = EventKind::accepted;
  std::vector<std::uint32_t> recipients; ///< indexes concerned; empty: the message as a whole
  std::string detail;
  std::uint32_t times = 1;    ///< repeated deferrals collapse
  mail::BounceClass bounce{}; ///< of a failure, a deferral, or a report of one that is known to be true
  std::string node{};         ///< where it happened; empty: there are not several, or it was not written down
};

struct Trace {
  MessageFacts message;
  std::vector<RecipientFacts> recipients;
  std::vector<Event> events;
  std::vector<Ulid> reports; ///< ids of reports sent about it
};

/// A stranger's message that an address of ours handed on to others.
struct Forwarded {
  Ulid id;
  mail::Address sender;
  std::string named; ///< the address that its sender wrote to; empty: there were several
  std::int64_t accepted_at = 0;
  std::uint64_t onward = 0;   ///< recipients elsewhere to whom addresses of ours led
  std::uint64_t returned = 0; ///< how often note_return() was told of it
};

// ---- Mailboxes ----

/// A mailbox as it was at one moment, for a session that goes on seeing it so: its entries then, whatever came or was
/// deleted since.
struct MailboxView {
  Id mailbox = 0;
  std::uint32_t uidnext = 1;
  std::int64_t modseq = 0; ///< the highest
};

/// Uids from elsewhere that are kept: so many are left to be given.
inline constexpr std::uint32_t kMostKeptUid = 2'147'483'647;

struct MailboxInfo {
  Id id = 0;
  std::uint32_t uidvalidity = 0;
  std::uint32_t uidnext = 1;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  std::int64_t modseq = 0;   ///< the highest
  std::uint64_t unseen = 0;  ///< entries without kSeen
  std::uint64_t deleted = 0; ///< entries with kDeleted
  MailboxView view() const { return {id, uidnext, modseq}; }
};

} // namespace paquebot::store
