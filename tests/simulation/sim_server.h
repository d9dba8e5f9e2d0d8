#pragma once

#include "control/control.h"
#include "remotes.h"
#include "scene.h"
#include "service/assembly.h"
#include "service/duties.h"
#include "service/launcher.h"
#include "watched_store.h"

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace paquebot::simulation {

/// One life of the server, from its start to its end: the parts of service::Server without its threads, its listeners
/// and libunbound. It moves only when the world lets it.
class SimServer {
public:
  /// On the files in `directory`. `on_fatal`: it would end its process now.
  SimServer(Scene& scene, Remotes& remotes, const std::string& directory, Planted planted,
            std::function<void()> on_fatal);
  ~SimServer();
  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;

  /// Why it could not be opened; empty: it runs.
  const std::string& failure() const { return failure_; }
  bool has_parts() const { return io_ != nullptr; }
  const std::string& directory() const { return directory_; }
  /// A client's end of a connection to its port 25, from a network that may send.
  std::unique_ptr<Wire> call();
  /// An operator's order, as the command line sends it.
  Task<control::Response> order(std::string method, std::string target, std::string body);
  store::Store& store() { return *store_; }

  /// The process is dead: nothing that it says counts any more. Then it is only kept until nobody waits in it.
  void die();
  bool alive() const { return !*gone_; }
  /// It takes no new connections, and ends what it has begun. What it says still counts.
  void stop();
  bool stopping() const { return stopping_; }
  /// Nothing runs in it any more: it may be destroyed.
  bool ended();

  /// What still runs, for people.
  std::string running() const;

  /// Does what can be done now, without waiting; false: nothing could.
  bool turn();
  boost::asio::io_context& io() { return *io_; }

private:
  void open(Planted planted);
  void fill();
  void start(Remotes& remotes);
  void attend(const store::Change& change);
  std::shared_ptr<const service::Snapshot> snapshot() const;
  service::ServerOptions options() const;
  bool run_step();
  void launch(Task<void> task, const std::string& what);
  Task<void> count(Task<void> task, std::string what);
  Task<void> obey(control::Request request, Promised<control::Response> answer);

  struct Step {
    std::move_only_function<void()> work;
    Instant due;
  };
  /// Runs a task to its end before there is anybody else.
  template <class T>
  T run(Task<T> task);

  Scene& scene_;
  const std::string directory_;
  std::string failure_;
  std::function<void()> on_fatal_;
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);
  bool stopping_ = false;
  bool given_back_ = false; ///< what it had in hand, at its orderly end
  std::deque<Step> steps_;  ///< of the store's
  service::Launcher launcher_;
  std::map<std::string, int> running_; ///< of its tasks, by name
  std::unique_ptr<store::Store> files_;
  std::unique_ptr<FaultyStore> faulty_;
  std::unique_ptr<WatchedStore> store_;
  std::unique_ptr<service::Assembly> parts_;
  boost::asio::io_context* io_ = nullptr; ///< of parts_
  std::unique_ptr<service::Duties> duties_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<store::Subscription> subscription_;
  std::shared_ptr<const service::SmtpListenerOptions> listener_;
};

} // namespace paquebot::simulation
