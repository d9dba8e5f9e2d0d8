#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "delivery/connector.h"
#include "delivery/content.h"
#include "delivery/doors.h"
#include "delivery/finding.h"
#include "delivery/homecoming.h"
#include "delivery/host_book.h"
#include "delivery/parked.h"
#include "delivery/places.h"
#include "delivery/recorder.h"
#include "delivery/signer.h"
#include "policy/return_paths.h"
#include "queue/queue.h"
#include "store/store.h"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>

namespace paquebot::delivery {

/// Discharges what the queue holds for other servers: starts workers, one a destination or more, that find a connection,
/// send, and record what became of each recipient. Lives on one executor.
class Dispatcher {
public:
  Dispatcher(boost::asio::any_io_executor executor, queue::Queue& queue, store::Store& store, const Clock& clock,
             Connector& connector, Homecoming& homecoming, Signer& signer, policy::ReturnPaths& paths);

  /// Starts workers whenever the queue has something, until stop(). Returns when all workers have ended and
  /// the open connections are closed.
  Task<void> run();
  /// From any thread: begin nothing new; deliveries under way end by themselves.
  void stop();
  /// From any thread: look at the queue now.
  void wake();

private:
  /// What one worker keeps between jobs.
  struct Worker {
    std::string destination;
    std::shared_ptr<const queue::Options> options;
    std::optional<queue::Plan> plan;
    std::unique_ptr<Peer> peer;
    std::unique_ptr<Peer> leaving; ///< used up, the only one at its place: it is gone before the next one is opened
    bool ours = false;             ///< the destination is a domain of this server
    bool secure = false;           ///< plan and connection are such as REQUIRETLS wants
    Share share = Share::none;
    queue::Seat seat;           ///< what it takes of all deliveries
    DoorHold kept;              ///< a place at a door that was waited for
    std::int64_t judged_at = 0; ///< the time that counts for all recipients of the job in hand
    std::int64_t again_at = 0;  ///< when what was put off is due; 0: nothing was
    queue::Job unsettled;       ///< the message in hand, with those of its recipients of whom nothing was recorded yet

    /// These are about to be recorded: whatever happens, they are not to be given back.
    void settles(const std::vector<store::Outcome>& outcomes);
  };

  /// One attempt for the recipients of one transaction, over one connection or several.
  struct Attempt {
    Tried tried;
    unsigned sessions = 0;
    unsigned used_up = 0;    ///< a connection had carried so many messages when it took no more; 0: none did
    bool rests = false;      ///< the last host rests now
    bool surplus = false;    ///< each of its connections was refused before anything was judged over it
    bool host_spoke = false; ///< the last host answered MAIL
    /// What the last host said of each that is left; empty: none was reached, or it was about the connection.
    std::vector<mail::Told> last;
  };

  /// What a peer took over along with the message, or did not.
  struct Handed {
    bool dsn = false;          ///< NOTIFY
    bool tell_relayed = false; ///< BY went no further, or a trace was wished
  };

  /// How reaching a place ended; `refused` and `failed` have settled the job, and with `failed` the destination waits.
  /// `no_room`: it has to wait for others, unattempted.
  enum class Way { open, refused, failed, no_room };
  struct Reach {
    Way way = Way::failed;
    mail::Told failure;
    queue::Cause cause = queue::Cause::none;
    std::string full{}; ///< of Reached
  };
  /// How waiting in line ended: `later`: so many wait that this one is to come again.
  enum class Turn { now, others, later };

  Task<void> work(std::string destination, queue::Seat seat);
  Task<bool> serve(Worker& worker);
  Task<std::optional<bool>> is_ours(std::string destination);
  Task<Way> handle(Worker& worker, queue::Job& job);
  Task<void> pick_up_pieces(Worker& worker, std::exception_ptr error);
  Task<Way> send_part(Worker& worker, queue::Job& part, std::vector<store::RecipientFacts>& rest);
  Task<void> give_back(Worker& worker, const queue::Job& job);
  Task<Way> connect(Worker& worker, const queue::Job& job, Attempt& attempt);
  Task<Reach> reach(Worker& worker, Attempt& attempt, bool secure);
  Task<void> follow_options(Worker& worker, bool secure);
  Task<bool> open(Worker& worker, Attempt& attempt, Reach& found);
  Task<bool> crowded(Worker& worker, bool ready);
  Task<Way> settle_last(Worker& worker, const queue::Job& job, Attempt& attempt);
  Task<Way> no_way(Worker& worker, const queue::Job& job, mail::Told failure);
  Task<void> put_off(Worker& worker, const queue::Job& job, mail::Told told);
  Task<bool> transmit(Worker& worker, queue::Job& part, Content& content, Attempt& attempt,
                      std::vector<store::RecipientFacts>& rest);
  Task<bool> settle_finding(Worker& worker, queue::Job& part, std::vector<mail::Told> all, const Finding& finding,
                            Handed handed, Attempt& attempt, std::vector<store::RecipientFacts>& rest);
  void learn(Worker& worker, const Finding& finding, const Transmission& sent, Attempt& attempt);
  void learn_break(Worker& worker, const Finding& finding, bool content_begun, Attempt& attempt);
  Task<void> keep_or_leave(Worker& worker, Peer::Event event, Finding::Session found);
  Task<mail::Reply> hide(const Worker& worker, const queue::Job& part, Content& content);
  Task<mail::Reply> sign(const queue::Job& part, Content& content, std::uint64_t max_size);
  Task<void> feed_some(Peer& peer, Content& content);
  Task<void> name_return_path(const queue::Job& part, const Content& content, smtp::OutgoingMessage& out);
  Task<Peer::Event> feed_content(Peer& peer, Content& content);
  void judge(const queue::Job& job, const mail::Told& told, std::int64_t now, std::int64_t retry_at,
             std::vector<store::Outcome>& outcomes) const;
  Task<void> fail_place(Worker& worker, const queue::Job& job, mail::Told told);
  Task<void> settle_results(Worker& worker, const queue::Job& part, std::vector<mail::Told> all, bool works,
                            Handed handed);
  std::int64_t judged_at(Worker& worker) const;
  Task<void> give_up_late(Worker& worker, const queue::Job& job);
  Task<void> expire_waiting(Worker& worker, mail::Told told);
  Task<Turn> stand_in_line(Worker& worker, std::string door);
  bool has_room(const Worker& worker, const std::string& door) const;
  Task<Turn> wait_at_door(Worker& worker, std::string door);
  static void come_again(Reach& found, Turn turn);
  void set_share(Worker& worker, Share share);
  void park(Worker& worker);
  void take_parked(Worker& worker);
  Task<void> part_with(Worker& worker);
  void let_go(Worker& worker);
  Task<void> say_goodbye(std::unique_ptr<Peer> peer);
  Task<void> reap();
  void spawn(Task<void> task);
  std::int64_t wall() const { return millis(clock_.wall()); }
  std::int64_t settled() const { return millis(clock_.settled()); }

  boost::asio::any_io_executor executor_;
  queue::Queue& queue_;
  store::Store& store_;
  const Clock& clock_;
  Connector& connector_;
  Homecoming& homecoming_;
  Signer& signer_;
  policy::ReturnPaths& paths_;
  Recorder recorder_;
  Doors doors_; ///< outlives the connections that are parked
  Parked parked_;
  Places places_;
  HostBook hosts_;
  unsigned loads_ = 0; ///< Queue::loads() when hosts_ was woken last
  Signal slots_;       ///< somebody's share of a place has changed
  Signal changed_;
  std::atomic<unsigned> active_ = 0; ///< changed on the executor, read from anywhere
  std::atomic<bool> wake_posted_ = false;
  bool woken_ = false;
  bool stopping_ = false;
};

} // namespace paquebot::delivery
