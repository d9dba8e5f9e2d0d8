#pragma once

#include "delivery/attempt.h"
#include "delivery/commons.h"
#include "delivery/finding.h"
#include "delivery/peer.h"
#include "mail/envelope.h"
#include "queue/plan.h"
#include "queue/queue.h"
#include "queue/seats.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// How a worker comes to a connection to its destination, and what becomes of that: the plan, its share of the place,
/// hosts and their addresses. It learns of places and hosts what transactions show.
class Passage {
public:
  /// `post`: where the worker is. It must outlive this.
  Passage(Commons& commons, queue::Post& post, queue::Seat seat);

  /// To which site the mail of the destination goes: queue::Plan::place, or one of its own where there is no way.
  Task<std::string> find_site();

  /// What the worker takes of all deliveries: the job's in hand.
  void take_seat(queue::Seat seat) { seat_ = std::move(seat); }
  /// Between jobs: it holds up nobody.
  void rest();

  /// Finds a connection that may be used for a message of which that is wished, or says why there is none.
  Task<Reach> reach(Attempt& attempt, mail::TlsWish wish);
  /// The connection; null when there is none.
  Peer* peer() { return peer_.get(); }
  /// Whether plan and connection are such as REQUIRETLS wants.
  bool secure() const { return wish_ == mail::TlsWish::required; }

  /// The place works: mail was taken or judged over the connection.
  void works() { set_share(Share::working); }
  /// Takes note of what a transaction showed of the host and its place.
  void learn(const Finding& finding, const Transmission& sent, Attempt& attempt);
  /// What a provider's rule asks for, of one recipient.
  struct Order {
    queue::Act act = queue::Act::fail;
    std::string rule;
  };
  struct Heeded {
    bool blocked = false;                     ///< nothing is taken from us for a while
    bool ends = false;                        ///< so says a provider: none of its other hosts is tried at once
    std::vector<std::optional<Order>> orders; ///< for each recipient; empty: for nobody
  };
  /// Takes note of what the site, or its provider, says of its limits.
  Heeded heed(const Finding& finding, const Transmission& sent, const queue::Throttles::Subjects& subjects);
  /// To which site the mail goes, and whose it is. False: it has to wait there until there is room.
  bool enter_site(const std::string& site);
  /// After a transaction, at `event`: the connection stays, or goes.
  Task<void> keep_or_leave(Peer::Event event, Finding::Session found);
  /// Somebody else is connected to the place.
  bool others_connected() const { return commons_.places.connected(plan_->place) > 0; }

  /// A used-up connection goes. Who lets in one at a time would turn the next one away while it is there.
  void let_go();
  /// After a job: without a connection the next one is planned anew, since the DNS may have changed.
  void forget_plan();
  /// Ends the use of the connection: the next message for the same place may take it.
  Task<void> part();
  /// The connection's state is not known: it ends.
  void drop();

private:
  Task<void> make_plan();
  bool heed_rules(const Transmission& sent, const queue::Throttles::Subjects& subjects, bool to_mail, Heeded& heeded);
  bool has_turn(const Attempt& attempt);
  void set_share(Share share);
  void park();
  Task<void> take_parked();
  Task<bool> crowded(bool ready);
  Task<void> follow_options(mail::TlsWish wish);
  Task<bool> open(Attempt& attempt, Reach& found);
  void learn_break(const Finding& finding, bool content_begun, Attempt& attempt);

  Commons& commons_;
  queue::Post& post_;
  std::shared_ptr<const queue::Options> options_;
  std::optional<queue::Plan> plan_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<Peer> leaving_; ///< used up, the only one at its place: it is gone before the next one is opened
  mail::TlsWish wish_ = mail::TlsWish::unspecified; ///< of the plan
  Share share_ = Share::none;
  queue::Seat seat_;
  unsigned blocked_ = 0; ///< messages in a row of which the site said that it blocks us
};

} // namespace paquebot::delivery
