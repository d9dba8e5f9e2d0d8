#pragma once

#include "base/clock.h"
#include "filter/session.h"
#include "intake/authentication.h"
#include "intake/binary.h"
#include "intake/dmarc_book.h"
#include "mail/head.h"
#include "mail/received.h"
#include "policy/policy.h"
#include "queue/queue.h"
#include "store/body_writer.h"
#include "store/byte_budget.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace paquebot::intake {

enum class KeptBack : std::uint8_t;

struct Options {
  std::string hostname;
  std::string origin;                 ///< what programs of this machine complete addresses with; empty: the host name
  std::uint64_t max_message_size = 0; ///< octets, of dropped messages (sessions have a bound of their own); 0: no limit
  std::size_t max_hops = 100;         ///< Received fields; RFC 5321 section 6.3 asks for at least 100
  bool keep_bcc = false;              ///< in what own users and programs hand in
  bool hide_inner = false;            ///< outsiders are not told to where mail is sent on
  AuthenticationOptions authentication;
};

/// What intake works with; all outlive every Incoming.
struct Services {
  store::Store& store;
  queue::Queue& queue;
  policy::Policy& policy;
  UlidSource& ids;
  const Clock& clock;
  Verifier* verifier = nullptr; ///< null: nothing is asked of where mail is from
  DmarcBook* dmarc = nullptr;   ///< collects what was found for reports; null: nobody does
  /// What messages on their way in hold of memory together; null: as much as they need.
  store::ByteBudget* memory = nullptr;
  store::ByteBudget::Whose memory_of{}; ///< for whom they hold it
};

/// What the session knows of the message when its content begins.
struct Origin {
  policy::Client client;
  store::MessageClass klass = store::MessageClass::incoming;
  mail::Arrival arrival; ///< id, recipient and date are filled in here
  mail::Sender sender;
  std::vector<queue::DraftRecipient> recipients;
  /// The content filters of the session, which know of the message already, and where recipients lead that they add.
  filter::Session* filters = nullptr;
  directory::Directory* directory = nullptr;
  std::optional<policy::Returned> returned{}; ///< the one recipient is a return address of ours
  bool given_back =
      false; ///< all recipients are failed: it goes back to its sender, and where it was before does not matter
  std::vector<std::string> tags; ///< values of policy::kGuardField: what was noticed about a stranger
};

/// Whether others may be asked of where the mail of this client (an IP address) is from.
bool asks_about(const Services& services, const Options& options, const std::string& client);

/// The reply when a body can't be kept.
mail::Reply no_room(const Error& why);

/// One message on its way in: takes its content piece by piece and, at its end, takes responsibility for it. Each step of the
/// path is a function of its own. Must end by finish() or discard().
class Incoming {
public:
  /// `id`: given to messages that have one already (drop directory), so that accepting them twice is harmless.
  Incoming(Services services, const Options& options, Origin&& origin, std::optional<Ulid> id = std::nullopt);

  /// Starts what can be asked before the content is there. Call before write() for mail from a session, unless nothing is asked
  /// (asks_about()).
  Task<void> begin();
  /// Content with CRLF line ends; any octets when the sender said BODY=BINARYMIME. What goes wrong is remembered and told by finish().
  Task<void> write(std::string_view chunk);
  /// The same without a coroutine, for a piece of a small message that nobody looks at yet; false, and nothing is taken, otherwise.
  bool write_now(std::string_view chunk);
  /// Checks, completes the head, and commits, for all recipients or none: the reply, 250 only after the commit.
  Task<mail::Reply> finish();
  /// The same with a verdict for each recipient, in their order (LMTP): who can't have it now, such as a mailbox that has
  /// become full, does not stand in the others' way.
  Task<std::vector<mail::Reply>> finish_each();
  Task<void> discard();
  const Ulid& id() const { return id_; }
  /// Why the content can't be taken; code 0 while it can.
  const mail::Reply& failure() const { return failure_; }

private:
  std::uint64_t holds(std::size_t coming) const;
  void give_memory_back();
  Task<void> end_content();
  void take_head();
  Task<std::optional<store::NewBody>> seal();
  std::optional<store::NewBody> seal_now();
  std::optional<store::NewBody> take_sealed();
  mail::Reply check_hops() const;
  std::unordered_set<std::string> been_at() const;
  mail::Reply check_loop(const queue::DraftRecipient& recipient, const std::unordered_set<std::string>& been) const;
  Task<void> take(std::string_view bytes);
  Task<void> end_conversion();
  bool has_8bit() const;
  mail::Reply check_loops() const;
  Task<mail::Reply> check_sender();
  bool has_stranger() const;
  bool is_submitted() const { return origin_.klass == store::MessageClass::submitted; }
  bool vouched() const;
  void leave_unreported();
  void watch();
  Task<mail::Reply> authenticate();
  Task<void> believe_device();
  void note_for_report();
  void set_aside(const std::string& reason);
  Task<std::string> begin_of_content();
  Task<std::optional<KeptBack>> keeps_back();
  Task<std::optional<mail::Reply>> take_return();
  Task<void> run_filters();
  Task<void> drop_discarded();
  void drop_body();
  void read_tls_wish();
  bool removes_bcc() const;
  void tidy_head();
  std::string own_author() const;
  void note_tags();
  void complete_head();
  std::string wishes() const;
  bool charged() const;
  std::string peer() const;
  queue::Draft make_draft(store::NewBody body);
  Task<mail::Reply> commit(queue::Draft draft);
  Task<mail::Reply> conclude(Task<store::AcceptResult> accepting, std::uint64_t size,
                             std::vector<store::LateBounces> bounces);
  void follow_filters(std::vector<mail::Reply>& verdicts, std::vector<std::size_t>& places);
  std::vector<std::size_t> drop_loops(std::vector<mail::Reply>& verdicts);
  Task<void> commit_each(queue::Draft draft, std::vector<std::size_t> places, std::vector<mail::Reply>& verdicts);
  Task<void> note_bounces(std::vector<store::LateBounces> bounces);
  void note_addresses(const queue::Draft& draft);
  mail::Reply answer(const store::AcceptResult& result) const;
  void log_result(const mail::Reply& reply, std::uint64_t size) const;

  Services services_;
  const Options& options_;
  Origin origin_;
  Ulid id_;
  bool new_id_; ///< id_ is of our making
  store::BudgetShare memory_;
  mail::HeadSplitter splitter_;
  store::BodyWriter body_;
  bool has_8bit_ = false;                          ///< head or body, known once the content has ended
  std::unique_ptr<Authentication> authentication_; ///< null: it is not checked where the message is from
  bool resent_ = false;                            ///< by a user of ours, of somebody else's message
  std::optional<BinaryToLines> lines_;             ///< the message is binary
  /// It stays so: nobody among its recipients has a mailbox here. It was converted all the same, to be sure that it can
  /// be, for a peer without BINARYMIME or a report.
  bool stays_binary_ = false;
  std::string converted_;
  mail::Head head_;
  mail::Reply failure_;                    ///< what went wrong while writing; code 0: nothing
  std::optional<store::NewBody> sealed_;   ///< the body, once filters have looked at it
  std::vector<std::size_t> filter_places_; ///< of the recipients that filters left (FilteredMessage::places)
  std::string filter_note_;                ///< what they said, for the trail
  std::string discarded_;                  ///< why the message is to vanish; empty: it is not
  std::vector<std::string> addresses_;     ///< of the recipients, for the log
};

} // namespace paquebot::intake
