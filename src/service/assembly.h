#pragma once

#include "base/clock_trust.h"
#include "delivery/connector.h"
#include "delivery/deadlines.h"
#include "delivery/dispatcher.h"
#include "delivery/dmarc_reporter.h"
#include "delivery/homecoming.h"
#include "delivery/reporter.h"
#include "delivery/signer.h"
#include "delivery/sts_book.h"
#include "delivery/tls_reporter.h"
#include "directory/directory.h"
#include "dns/watched_resolver.h"
#include "intake/dmarc_book.h"
#include "metrics/hours.h"
#include "net/context_pool.h"
#include "policy/attempts.h"
#include "service/certificate_desk.h"
#include "service/certificate_watch.h"
#include "service/clock_keeper.h"
#include "service/dns_keeper.h"
#include "service/etrn.h"
#include "service/grey_keeper.h"
#include "service/hook_client.h"
#include "service/hook_poster.h"
#include "service/launcher.h"
#include "service/login_keeper.h"
#include "service/mailbox_news.h"
#include "service/patience_keeper.h"
#include "service/search_desk.h"
#include "service/sites.h"
#include "service/snapshot.h"

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::service {

struct SmtpMeans;

/// The parts of the server, put together: each group uses those above it. Made on the main thread.
struct Assembly {
  /// Accounts, and who logs in to them.
  struct Accounts {
    Accounts(store::Store& store, const ServerOptions& options);
    directory::CpuPool cpu;
    directory::Directory directory;
    directory::LoginThrottle throttle;
    directory::NetworkWatch networks;
    ScramSwitch scram{directory};
    LoginKeeper keeper;
    LoginDelay delay;
    MailboxHolders holders;
    MailboxNews news;
    AccountSeats seats;
    Sessions sessions;
  };
  /// What listeners for HTTP answer. Whoever has something to show adds his site to `sites` before anything listens.
  struct Web {
    explicit Web(const std::string& hostname) : sites(hostname) {}
    Sites sites;
    PlainSites plain{sites};
  };
  /// What is remembered of strangers.
  struct Strangers {
    explicit Strangers(store::Store& store) : grey_keeper(store.books(), grey) {}
    policy::FactsCache facts{system_clock()};
    policy::ClientRates rates{system_clock()};
    policy::GreyTable grey;
    policy::ListedBook book{system_clock()};
    policy::Refusals refusals;
    policy::Attempts attempts;
    GreyKeeper grey_keeper;
  };
  /// Who answers questions about names, and what is asked.
  struct Names {
    dns::Resolvers resolvers;
    std::unique_ptr<DnsKeeper> keeper;
    std::unique_ptr<intake::Verifier> verifier;
  };
  /// Mail that comes in.
  struct Intake {
    Intake(store::Store& store, directory::Directory& directory, const Clock& clock, const ServerOptions& options,
           const queue::Options& queue_options);
    policy::LimitBook limits;
    policy::ReturnPaths paths;
    policy::RelayRates relay_rates{system_clock()};
    policy::Policy policy;
    UlidSource ids;
    queue::Queue queue;
    Etrn etrn;
    /// For heads, bodies and recipients that come in: from other servers, and from own users.
    store::ByteBudget memory, own_memory;
    intake::DmarcBook dmarc_book;
    PatienceKeeper patience_keeper;
  };
  /// Mail that goes out.
  struct Deliveries {
    Deliveries(store::Store& store, directory::Directory& directory, queue::Queue& queue, const Clock& clock,
               const ServerOptions& options);
    directory::CpuPool signing; ///< a line of its own: a flood of logins holds up no mail
    delivery::Homecoming homecoming;
    delivery::Signer signer;
    delivery::Deadlines deadlines;
    // From open() on:
    std::shared_ptr<delivery::StsBook> policies;
    std::unique_ptr<delivery::Connector> connector;
    std::unique_ptr<delivery::Dispatcher> dispatcher;
    std::unique_ptr<delivery::Reporter> reporter;
    std::unique_ptr<delivery::DmarcReporter> dmarc_reporter;
    std::unique_ptr<delivery::TlsReporter> tls_reporter;
    std::unique_ptr<delivery::TlsBook> tls_book;
    /// From any thread: no further reports.
    void stop_reports();
  };

  /// `store` must outlive it.
  Assembly(store::Store& store, ServerOptions options, std::shared_ptr<const Snapshot> snapshot);

  /// The resolvers, and what is remembered of them, before anything listens: what strangers make us ask must find them
  /// there. Errors: the resolvers can't be made, the store can't be read. Blocks.
  Result<> open_names(Launcher& launcher);
  /// What delivers, after open_names(). `listeners`: our own, to which nothing is to be sent. `dial`: sockets if there
  /// is none.
  void open_deliveries(std::vector<net::Endpoint> listeners, std::unique_ptr<delivery::Dial> dial = nullptr);
  /// Another configuration. Gives the destinations of the queue whose route is another one now.
  std::vector<std::string> replace(std::shared_ptr<const Snapshot> snapshot);
  std::shared_ptr<const Snapshot> current();
  /// Writes down what reports of DMARC and on TLS will tell.
  Task<void> write_reports();

  boost::asio::any_io_executor first() { return contexts.executor(0); }
  boost::asio::any_io_executor last() { return contexts.executor(contexts.size() - 1); }
  /// `own`: for what own users, their programs and LMTP bring in, which strangers must not keep out.
  intake::IntakeMeans services(bool own = true);
  LoginMeans login_means();
  StrangerMeans stranger_means();
  /// Of SMTP sessions on that context; made once for each configuration.
  std::shared_ptr<const SmtpMeans> smtp_means(std::size_t context, bool own);

  store::Store& store;
  ServerOptions options;
  metrics::Hours hours{millis(system_clock().wall())}; ///< what goes through
  ClockTrust clock{system_clock()};                    ///< for all that deletes, returns or forgets what is old
  ClockKeeper clock_keeper;
  CertificateWatch certificate;
  net::ContextPool contexts;
  Accounts accounts;
  Web web;
  Strangers strangers;
  Names names;
  Intake intake;
  Deliveries deliveries;
  SearchDesk search;

  std::unique_ptr<CertificateDesk> ordered; ///< certificates; from open_names() on
  std::shared_ptr<HookClient> hook_client;  ///< likewise
  std::shared_ptr<HookPoster> hooks;        ///< likewise
  /// Of the last round of the doctor, how many findings of each doctor::Level; -1: there was none yet.
  std::array<std::atomic<int>, 5> found{-1, -1, -1, -1, -1};

  /// What was begun by open_names() ends soon. Thread-safe.
  void stop_names();

private:
  void configure(const Snapshot& snapshot);
  std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
  /// By context and `own`, of the snapshot; under its mutex.
  std::map<std::pair<std::size_t, bool>, std::shared_ptr<const SmtpMeans>> smtp_means_;
};

} // namespace paquebot::service
