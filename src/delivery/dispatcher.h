#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "delivery/connector.h"
#include "delivery/content.h"
#include "delivery/homecoming.h"
#include "delivery/parked.h"
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
    bool ours = false;   ///< the destination is a domain of this server
    bool slot = false;   ///< holds a share of the place's limit
    bool reused = false; ///< the connection was used before this job
    bool secure = false; ///< plan and connection are such as REQUIRETLS wants
  };

  /// What a peer took over along with the message, or did not.
  struct Handed {
    bool dsn = false;          ///< NOTIFY
    bool tell_relayed = false; ///< BY went no further, or a trace was wished
  };

  /// How reaching a place ended; `refused` and `failed` have settled the job.
  enum class Way { open, refused, failed };

  Task<void> work(std::string destination);
  Task<bool> handle(Worker& worker, queue::Job job);
  Task<bool> send_part(Worker& worker, queue::Job& part, std::vector<store::RecipientFacts>& rest);
  Task<void> give_back(Worker& worker, const queue::Job& job);
  Task<Way> connect(Worker& worker, const queue::Job& job);
  Task<mail::Told> reach(Worker& worker, bool secure);
  Task<Way> no_way(Worker& worker, const queue::Job& job, mail::Told failure);
  Task<bool> transmit(Worker& worker, const queue::Job& part, Content& content);
  Task<mail::Reply> hide(const Worker& worker, const queue::Job& part, Content& content);
  Task<mail::Reply> sign(const queue::Job& part, Content& content, std::uint64_t max_size);
  Task<void> feed_some(Peer& peer, Content& content);
  Task<void> name_return_path(const queue::Job& part, smtp::OutgoingMessage& out);
  Task<Peer::Event> feed_content(Peer& peer, Content& content);
  void judge(const queue::Job& job, const mail::Told& told, std::int64_t retry_at,
             std::vector<store::Outcome>& outcomes) const;
  Task<void> fail_place(Worker& worker, const queue::Job& job, mail::Told told);
  Task<void> settle_results(Worker& worker, const queue::Job& part, std::vector<mail::Told> all, bool works,
                            Handed handed);
  Task<void> give_up_late(Worker& worker, const queue::Job& job);
  Task<void> expire_waiting(Worker& worker, mail::Told told);
  Task<void> take_slot(Worker& worker);
  void free_slot(Worker& worker);
  Task<void> part_with(Worker& worker);
  Task<void> say_goodbye(std::unique_ptr<Peer> peer);
  Task<void> reap();
  void spawn(Task<void> task);
  std::int64_t wall() const { return millis(clock_.wall()); }

  boost::asio::any_io_executor executor_;
  queue::Queue& queue_;
  store::Store& store_;
  const Clock& clock_;
  Connector& connector_;
  Homecoming& homecoming_;
  Signer& signer_;
  policy::ReturnPaths& paths_;
  Recorder recorder_;
  Parked parked_;
  std::map<std::string, unsigned> places_; ///< connections in use, by place
  Signal slots_;
  Signal changed_;
  std::atomic<unsigned> active_ = 0; ///< changed on the executor, read from anywhere
  std::atomic<bool> wake_posted_ = false;
  bool woken_ = false;
  bool stopping_ = false;
};

} // namespace paquebot::delivery
