#pragma once

#include "acme/renewal.h"
#include "service/certificate_order.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::service {

/// Gets and renews the certificates of this server: one name at a time, one order for each, since a name that can't be
/// proven must not stop others. Only the node that has the lease works. Use on one executor.
class CertificateKeeper {
public:
  /// `stopping` makes all of it end, and must outlive it.
  CertificateKeeper(CertificateParts parts, std::string hostname, const std::atomic<bool>& stopping);

  /// Whatever is due now.
  Task<void> round(std::shared_ptr<const CertificateOptions> options);

private:
  Task<std::vector<std::string>> wanted_names(const CertificateOptions& options);
  Task<void> drop_unwanted(const std::vector<std::string>& names);
  Task<std::string> why_not_here(std::string name);
  Task<std::vector<std::string>> addresses_of(std::string name);
  Task<void> tend(const CertificateOptions& options, std::string name);
  Task<bool> step(const CertificateOptions& options, std::string name);
  Task<bool> order(const CertificateOptions& options, const KeptCertificate& kept,
                   const std::vector<store::TlsKey>& keys);
  Task<bool> make_key(std::string name, store::TlsKey::State state);
  Task<void> look_for_records(store::Certificate& row, const KeptCertificate& kept);
  Task<bool> ask_when(const CertificateOptions& options, const KeptCertificate& kept);
  Task<acme::RenewalQuery::Answer> query(acme::RenewalQuery& query);
  Task<bool> is_ours();
  void warn_if_late(const KeptCertificate& kept, std::int64_t now);
  std::int64_t wall() const { return millis(parts_.clock.wall()); }

  const CertificateParts parts_;
  const std::string hostname_;
  const std::atomic<bool>& stopping_;
  std::map<std::string, Instant> tried_;       ///< the last attempt of this process
  std::map<std::string, std::int64_t> warned_; ///< when it was last told that a name's certificate ends soon
};

} // namespace paquebot::service
