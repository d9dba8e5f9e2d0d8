#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "base/ulid.h"
#include "delivery/dmarc_reporter.h"
#include "delivery/sts_book.h"
#include "directory/directory.h"
#include "http/client_session.h"
#include "mail/address.h"
#include "mailauth/tls_report.h"
#include "queue/queue.h"
#include "store/store.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// [delivery.reports] of the configuration: the same as for DMARC.
using TlsSending = DmarcSending;

/// A report that goes to a URL (RFC 8460 section 5.4). Errors as of net::HttpClient.
using PostReport = std::function<Task<Result<http::Reply>>(std::string url, std::string packed)>;

/// Over verified TLS, to the public Internet and `options.allow` only. `wheel` must outlive it.
PostReport post_over_https(boost::asio::any_io_executor executor, net::Wheel& wheel,
                           std::shared_ptr<dns::Resolver> resolver, const StsOptions& options);

/// Sends what was collected for reports on TLS (RFC 8460), one for each domain and day, by mail or to a URL, as its
/// record says. One that goes by mail is accepted like any other mail, and what it was made of is forgotten in the same
/// transaction; one to a URL is forgotten when somebody there has taken it. Lives on one executor.
class TlsReporter {
public:
  struct Means {
    queue::Queue& queue;
    store::Store& store;
    directory::Directory& directory;
    UlidSource& ids;
    const Clock& clock;
    std::string hostname;
    PostReport post;
  };
  explicit TlsReporter(Means means);

  /// Sends what is due: a day's reports are from a moment within four hours behind it (section 4.2, "delivery").
  Task<void> round(TlsSending how);
  /// From any thread: round() returns after the report at hand.
  void stop() { stopping_ = true; }

private:
  struct Where {
    std::vector<mail::Address> mail;
    std::vector<std::string> urls;
  };
  std::int64_t due_before() const;
  Task<void> send(store::DmarcDue due, TlsSending how);
  Task<Result<mailauth::TlsReport>> compose(store::DmarcDue due, const TlsSending& how, std::string id);
  Task<Result<>> send_mail(store::DmarcDue due, const TlsSending& how, const mailauth::TlsReport& report,
                           std::vector<mail::Address> to);
  Task<bool> post(const mailauth::TlsReport& report, std::vector<std::string> urls, std::string domain);
  Task<Result<store::NewBody>> store_body(std::string body);
  static Where where_to(const std::string& record);
  void put_off(const store::DmarcDay& of, const std::string& why);
  std::int64_t now() const { return millis(means_.clock.wall()); }

  const Means means_;
  std::chrono::milliseconds after_midnight_;
  std::map<store::DmarcDay, std::int64_t> put_off_; ///< until when
  std::atomic<bool> stopping_ = false;
};

} // namespace paquebot::delivery
