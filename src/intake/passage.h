#pragma once

#include "base/clock.h"
#include "filter/session.h"
#include "intake/authentication.h"
#include "intake/dmarc_book.h"
#include "mail/head.h"
#include "mail/received.h"
#include "policy/policy.h"
#include "queue/queue.h"
#include "store/byte_budget.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What the steps of Incoming share: each is a class of its own that works on the Passage of its message.
namespace paquebot::intake {

struct Options {
  std::string hostname;
  std::string origin;                 ///< what programs of this machine complete addresses with; empty: the host name
  std::uint64_t max_message_size = 0; ///< octets, of dropped messages (sessions have a bound of their own); 0: no limit
  std::size_t max_hops = 100;         ///< Received fields; RFC 5321 section 6.3 asks for at least 100
  bool keep_bcc = false;              ///< in what own users and programs hand in
  bool junk = true;                   ///< what is tagged goes into the mailbox with that use
  bool tag_folders = false;           ///< ann+work goes into the mailbox "work"
  bool sent_copies = false;           ///< what accounts send by the API is kept in their mailbox for it
  bool hide_inner = false;            ///< outsiders are not told to where mail is sent on
  AuthenticationOptions authentication;
};

/// What intake works with; all outlive every Incoming.
struct IntakeMeans {
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
  std::optional<store::Sending> sending{}; ///< it came by the API, with this
  std::string ordered_by{};                ///< who asked the API for it, for the trail; empty: nobody did
  std::vector<std::string> tags;           ///< values of policy::kStrangerField: what was noticed about a stranger
};

/// One message on its way in, as the steps see it. Each does nothing once something has gone wrong, and leaves it in
/// `failure` when it does.
struct Passage {
  /// `means` and `options` as in Incoming. `given`: the id of what has one already.
  Passage(const IntakeMeans& s, const Options& o, Origin&& from, std::optional<Ulid> given)
      : means(s), options(o), origin(std::move(from)), id(given ? *given : s.ids.next()), new_id(!given) {}
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  bool fine() const { return failure.code == 0; }
  bool is_submitted() const { return origin.klass == store::MessageClass::submitted; }
  /// Whether whoever brings the message might forge what only we may say. What comes by LMTP, or from
  /// authentication.skip_networks, was checked by a server of ours before.
  bool has_stranger() const;
  /// "client.example [192.0.2.1]", or what of it is known.
  std::string peer() const;
  void log_refused(const mail::Reply& reply) const;

  const IntakeMeans means;
  const Options& options;
  Origin origin;
  const Ulid id;
  const bool new_id;                              ///< of our making
  bool has_8bit = false;                          ///< head or body, known once the content has ended
  bool resent = false;                            ///< by a user of ours, of somebody else's message
  bool tidied = false;                            ///< the head, by HeadCompletion
  std::unique_ptr<Authentication> authentication; ///< null: it is not checked where the message is from
  mail::Head head;
  mail::Reply failure;                    ///< why the message can't be taken; code 0: it can
  std::optional<store::NewBody> body;     ///< once it has ended and been looked at
  std::vector<std::size_t> filter_places; ///< of the recipients that filters left (FilteredMessage::places)
  std::string filter_note;                ///< what they said, for the trail
  std::string discarded;                  ///< why the message is to vanish; empty: it is not
};

/// The reply when a body can't be kept.
mail::Reply no_room(const Error& why);

} // namespace paquebot::intake
