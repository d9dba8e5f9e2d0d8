#pragma once

#include "net/wheel.h"
#include "service/certificate_keeper.h"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::service {

/// Certificates that are ordered, put together: what is shown of them, and the keeper with its ways to the authority
/// and to the zone. Use on one executor, but for what says otherwise.
class CertificateDesk {
public:
  struct Parts {
    store::Store& store;
    net::Certificates* shown; ///< may be null
    boost::asio::any_io_executor executor;
    net::Wheel& wheel;
    std::shared_ptr<dns::Resolver> resolver;
    std::string hostname;
  };
  /// All that is given must outlive it.
  explicit CertificateDesk(Parts parts);
  ~CertificateDesk();

  /// Thread-safe.
  void configure(std::shared_ptr<const CertificateOptions> options);
  /// Waits end soon, and nothing is begun any more. Thread-safe.
  void stop() { stopping_ = true; }
  /// Whatever is due, for whoever has the lease of kCertificateLease.
  Task<void> round();
  /// Shows what the store has.
  Task<void> refresh() { return shelf_.refresh(); }
  const CertificateShelf& shelf() const { return shelf_; }

private:
  struct Ways;
  Task<void> sleep(std::chrono::milliseconds time);

  const Parts parts_;
  CertificateShelf shelf_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::shared_ptr<const CertificateOptions> options_; ///< null: nothing is configured yet
  std::shared_ptr<Ways> ways_;                        ///< made of options_, when they are used first
};

} // namespace paquebot::service
