#pragma once

#include "base/ulid.h"
#include "store/types.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::simulation {

/// What a sender hands in.
struct Letter {
  std::string token; ///< its subject: "letter-17"
  std::string sender;
  std::vector<std::string> recipients;
  std::string parameters; ///< of MAIL, with the space in front
  std::string body;       ///< lines with CRLF
};

/// What the world has seen of every message, and the promises that follow from it (docs/durability.md). It asks nothing
/// of the server: senders and receivers tell it what they heard, and the eyes between server and store
/// (watched_store.h) what was said there.
class Ledger {
public:
  /// `tell`: of each broken promise, once.
  explicit Ledger(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}

  // Of senders:
  void sent(const Letter& letter);
  /// The final reply to the content of a letter; code 0: none was heard. `id`: what a 250 told.
  void heard(const std::string& token, unsigned code, const std::string& id);

  // Of receivers:
  /// One took a content for these recipients. `replied`: a 250 went to somebody who can hear it.
  void taken(const std::string& id, const std::string& token, const std::vector<std::string>& recipients, bool replied,
             bool whole);
  /// A local copy, and a report about a letter, found in a mailbox at the end.
  void in_mailbox(const std::string& id, const std::string& address);
  void reported(const std::string& token, const std::string& address);

  // Of operators:
  /// They ordered that this message is dropped, and were told for how many recipients that is done; nothing: nobody was
  /// told.
  void cancelled(const std::string& id, std::optional<std::size_t> recipients);

  // Of what passes between server and store:
  /// The store was asked: from now on it may have it, whatever is heard of that.
  void asked(const store::AcceptRequest& request);
  void accepted(const store::AcceptRequest& request, const store::AcceptResult& result);
  void claimed(const Ulid& id, std::uint32_t index);
  void recorded(const store::Outcome& outcome);
  /// It is not known what is in hand of these any more: the store failed.
  void unsure(const Ulid& id, std::uint32_t index);
  void nothing_in_hand_of(const Ulid& id);
  /// The server is gone: nothing is in hand, and what it had heard and not recorded is forgotten.
  void crashed();

  // At the end, with all mail at rest:
  std::vector<std::string> ids() const;                         ///< all that were ever accepted, or acknowledged
  void judge(const std::string& id, const store::Trace* trace); ///< null: the store does not know it
  void judge_letters();

  /// Something else is not as it must be.
  void fail(const std::string& what) { broke(what); }

  struct Counts {
    std::uint64_t letters = 0, acknowledged = 0, unheard = 0, refused = 0;
    std::uint64_t relayed = 0, twice = 0, returned = 0, mailboxes = 0, dropped = 0, reports = 0;
  };
  const Counts& counts() const { return counts_; }
  const std::vector<std::string>& broken() const { return broken_; }
  /// Messages with recipients elsewhere that may still wait, of late; for operators.
  const std::vector<std::string>& under_way() const { return under_way_; }
  void forget_under_way(const std::string& id);

private:
  struct Taking {
    bool replied = false;
    bool excused = false; ///< nobody can know whether it was taken: another one may follow
  };
  struct Place {
    std::string address;
    store::Handling handling = store::Handling::remote;
    bool in_hand = false;
    bool recorded = false; ///< as relayed
    std::vector<Taking> takings;
    unsigned mailbox_copies = 0;
  };
  struct Message {
    std::string token;
    bool durable = false; ///< the store said that it has it
    bool acknowledged = false;
    bool cancelled = false;
    bool perhaps_cancelled = false; ///< nobody heard, or not for all recipients
    std::vector<Place> places;
  };
  struct Sent {
    Letter letter;
    unsigned times = 0;    ///< that its content was sent
    unsigned answered = 0; ///< of them with 250
    std::set<std::string> ids;
    std::set<std::string> reports; ///< addresses
  };
  void broke(const std::string& what);
  Place* place_of(const Ulid& id, std::uint32_t index);
  void judge_place(const std::string& id, Message& message, Place& place, const store::RecipientFacts& facts);

  std::function<void(const std::string&)> tell_;
  std::map<std::string, Sent> letters_;
  std::map<std::string, Message> messages_; ///< by id
  std::set<std::pair<std::string, std::uint32_t>> in_hand_;
  std::set<std::pair<std::string, std::size_t>> unrecorded_; ///< takings that were answered, by message and place
  std::vector<std::string> under_way_;
  std::vector<std::string> broken_;
  Counts counts_;
};

} // namespace paquebot::simulation
