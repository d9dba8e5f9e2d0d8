#pragma once

#include "control/hook_trial.h"
#include "control/live.h"
#include "delivery/connector.h"
#include "delivery/dmarc_reporter.h"
#include "directory/jwt.h"
#include "directory/login_throttle.h"
#include "dns/resolver.h"
#include "doctor/world.h"
#include "intake/passage.h"
#include "net/certificates.h"
#include "net/listener.h"
#include "net/network.h"
#include "queue/queue.h"
#include "service/certificate_order.h"
#include "service/certificate_watch.h"
#include "service/gate.h"
#include "service/http_session.h"
#include "service/imap_driver.h"
#include "service/pop3_driver.h"
#include "service/smtp_driver.h"
#include "service/watch_site.h"
#include "setup/facts.h"
#include "store/takeover.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// What the configuration says to the server.
namespace paquebot::service {

enum class ListenerRole : std::uint8_t { mx, submission, lmtp, pop3, imap, control, http };

/// What one listener's sessions are made of; which member counts depends on the role.
struct ListenerSnapshot {
  ListenerRole role = ListenerRole::mx;
  std::string address;       ///< as configured: it names the listener across a reload
  net::Networks accept_from; ///< who may connect; empty: everybody. The peers of a local socket always may
  net::Networks proxy_from;  ///< proxies: connections from there must begin with a PROXY header
  std::shared_ptr<const SmtpListenerOptions> smtp;
  std::shared_ptr<const Pop3ListenerOptions> pop3;
  std::shared_ptr<const ImapListenerOptions> imap;
  std::shared_ptr<const HttpListenerOptions> http;
};

/// Everything that a reload replaces, made whole from the configuration.
struct Snapshot {
  std::vector<ListenerSnapshot> listeners;
  GateLimits gate;
  directory::ThrottleLimits logins;
  std::shared_ptr<const directory::TokenIssuer> issuer; ///< of OAuth tokens; null: none are taken
  intake::Options intake;
  queue::Options queue;
  bool sign = true;              ///< what our domains send (delivery::Signer)
  bool rewrite_sender = true;    ///< of mail that is forwarded (policy::ReturnPaths)
  store::Limits account_limits;  ///< of every account without its own
  store::TakeoverRules takeover; ///< what an account is marked for
  unsigned takeover_networks =
      0; ///< likewise: logins from more networks than this within an hour; 0: none are too many
  delivery::DmarcSending dmarc_reports, tls_reports;
  doctor::Options doctor;
  std::vector<WatchedCertificate>
      certificates;         ///< of all listeners, the default first; none: a self-signed one of ours
  WatchOptions watch;       ///< who may look at the numbers
  setup::Options setup;     ///< what users' programs and other servers are told of this one
  control::HookRules hooks; ///< where hooks may lead
  std::shared_ptr<const CertificateOptions> acme; ///< those that are ordered; null: none
  bool search_index = false;                      ///< of texts is kept (search::Index)
  std::uint32_t expire_days = 0;                  ///< mail that has been in a mailbox for longer is deleted; 0: none
};

/// What needs a restart to change.
struct ServerOptions {
  std::string hostname;
  std::string origin;                            ///< the domain of names without one; empty: hostname
  std::chrono::milliseconds new_domain_grace{0}; ///< of directory::Options
  std::string version;                           ///< of this program, for the status
  std::string node;                              ///< its name among those that share the store; empty: it has its own
  std::string data_directory;                    ///< likewise: how much room there is
  std::string drop_directory;
  unsigned threads = 2; ///< for connections
  /// Octets that messages on their way in may hold together: their heads, what of the bodies is in memory, recipients.
  std::uint64_t message_memory = 256u << 20;
  std::chrono::milliseconds memory_patience{30'000}; ///< how long one waits for some of it
  unsigned cpu_threads = 2;                          ///< for passwords, and as many for signatures
  bool confined = true;                              ///< the sandbox is in force
  delivery::ConnectorOptions connector;
  dns::Options dns;
  /// What the configuration in force says, key by key; called from any thread. Empty: nobody can say.
  std::function<std::vector<control::SettingFacts>()> settings;
  std::shared_ptr<net::Certificates> certificates; ///< what the listeners show, from then on and by name
};

/// A listening socket, bound early (as root), and which configured listener it serves.
struct BoundListener {
  net::Listener listener;
  ListenerRole role = ListenerRole::mx;
  std::string address;
};

} // namespace paquebot::service
