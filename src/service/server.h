#pragma once

#include "control/control.h"
#include "delivery/deadlines.h"
#include "delivery/dispatcher.h"
#include "delivery/dmarc_reporter.h"
#include "delivery/reporter.h"
#include "directory/directory.h"
#include "dns/resolver.h"
#include "net/context_pool.h"
#include "net/listener.h"
#include "net/network.h"
#include "policy/policy.h"
#include "queue/queue.h"
#include "service/gate.h"
#include "service/pop3_driver.h"
#include "service/sessions.h"
#include "service/smtp_driver.h"
#include "store/store.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::service {

enum class ListenerRole : std::uint8_t { mx, submission, lmtp, pop3, control };

/// What one listener's sessions are made of; which member counts depends on the role.
struct ListenerSnapshot {
  ListenerRole role = ListenerRole::mx;
  std::string address;       ///< as configured: it names the listener across a reload
  net::Networks accept_from; ///< who may connect; empty: everybody. The peers of a local socket always may
  net::Networks proxy_from;  ///< proxies: connections from there must begin with a PROXY header
  std::shared_ptr<const SmtpListenerOptions> smtp;
  std::shared_ptr<const Pop3ListenerOptions> pop3;
};

/// Everything that a reload replaces, made whole from the configuration.
struct Snapshot {
  std::vector<ListenerSnapshot> listeners;
  GateLimits gate;
  directory::GuardLimits logins;
  std::shared_ptr<const directory::TokenIssuer> issuer; ///< of OAuth tokens; null: none are taken
  intake::Options intake;
  queue::Options queue;
  bool sign = true;              ///< what our domains send (delivery::Signer)
  bool rewrite_sender = true;    ///< of mail that is forwarded (policy::ReturnPaths)
  store::Limits account_limits;  ///< of every account without its own
  store::TakeoverRules takeover; ///< what an account is marked for
  unsigned takeover_networks =
      0; ///< likewise: logins from more networks than this within an hour; 0: none are too many
  delivery::DmarcSending dmarc_reports;
  std::string certificate_file; ///< of all listeners; empty: a self-signed one of ours
  std::string certificate_pem;
  std::uint32_t expire_days = 0; ///< mail that has been in a mailbox for longer is deleted; 0: none
};

/// What needs a restart to change.
struct ServerOptions {
  std::string hostname;
  std::string origin;                            ///< the domain of names without one; empty: hostname
  std::chrono::milliseconds new_domain_grace{0}; ///< of directory::Options
  std::string version;                           ///< of this program, for the status
  std::string data_directory;                    ///< likewise: how much room there is
  std::string drop_directory;
  unsigned threads = 2; ///< for connections
  /// Octets that messages on their way in may hold together: their heads, what of the bodies is in memory, recipients.
  std::uint64_t message_memory = 256u << 20;
  std::chrono::milliseconds memory_patience{30'000}; ///< how long one waits for some of it
  unsigned cpu_threads = 2;                          ///< for passwords, and as many for signatures
  delivery::ConnectorOptions connector;
  dns::Options dns;
};

/// A listening socket, bound early (as root), and which configured listener it serves.
struct BoundListener {
  net::Listener listener;
  ListenerRole role = ListenerRole::mx;
  std::string address;
};

/// The whole running server: listeners, sessions, queue, delivery, control. Made on the main thread, runs on its own
/// threads until stop().
class Server {
public:
  Server(store::Store& store, ServerOptions options, std::shared_ptr<const Snapshot> snapshot);
  ~Server();

  /// Called by the control action "reload".
  std::function<Task<control::Reloaded>()> on_reload;

  /// Starts everything. Errors: the resolver can't be made, the queue can't be read.
  Result<> start(std::vector<BoundListener> listeners);
  /// Takes new options for connections from now on; connections stay.
  void replace(std::shared_ptr<const Snapshot> snapshot);
  /// Stops accepting, lets sessions and deliveries end by themselves within `bound`, then breaks off what is left: safely, because
  /// what isn't acknowledged isn't promised. Gives work in hand back to the store. Blocks.
  /// False when something was broken off: the store may still have to wake it, so the process must end without
  /// destroying either of them.
  bool stop(std::chrono::seconds bound);

private:
  struct Impl;
  Result<> begin_dns();
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::service
