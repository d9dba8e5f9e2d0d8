#pragma once

#include "acme/ordering.h"
#include "acme/transport.h"
#include "base/clock.h"
#include "dns/resolver.h"
#include "dns/update.h"
#include "net/network.h"
#include "service/certificate_plan.h"
#include "service/certificate_shelf.h"
#include "store/store.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::service {

/// A name server that lets us change a zone.
struct ZoneServer {
  net::Endpoint address;
  dns::TsigKey key;
  std::string zone; ///< empty: it is asked for the one that a name is in
};

/// What the configuration says of certificates that are ordered (docs/certificates.md).
struct CertificateOptions {
  bool agree_tos = false; ///< the operator has agreed to the authority's terms; without it nothing is ordered
  std::string directory;  ///< the authority's
  std::string contact;    ///< an address, or empty
  std::string eab_kid;    ///< empty: the account is bound to no other
  std::string eab_key;    ///< octets
  std::vector<acme::ChallengeKind> challenges; ///< the best first
  bool domain_names = true;                    ///< also mta-sts, autoconfig and autodiscover of our domains
  std::vector<std::string> names;              ///< others
  std::vector<std::string> configured;         ///< have a certificate in the configuration: not ordered
  std::optional<ZoneServer> zone;              ///< for proofs in the DNS
  std::chrono::seconds dns_wait{0};            ///< from an update of the zone until the authority may look
  std::string ca_pem;                          ///< roots that vouch for the authority's servers; empty: the system's
  net::Networks allow;                         ///< where it may be although these are not of the public Internet
};

/// Shows a proof in the DNS, and takes it back (RFC 8555 section 8.4).
class ProofZone {
public:
  virtual ~ProofZone() = default;
  virtual Task<Result<>> add(std::string name, std::string text) = 0;
  virtual Task<Result<>> remove(std::string name, std::string text) = 0;
};

/// What a keeper works with; all must outlive it.
struct CertificateParts {
  store::Store& store;
  CertificateShelf& shelf;
  acme::Transport& transport;
  dns::Resolver& resolver;
  const Clock& clock;
  /// Waits, or less long when the server stops.
  std::function<Task<void>(std::chrono::milliseconds)> sleep;
  ProofZone* zone = nullptr; ///< null: nothing is shown in the DNS
};

/// The lease of the node that orders.
inline constexpr const char* kCertificateLease = "certificates";

/// One attempt to get a certificate: makes what acme::Ordering asks for. What must survive a crash is in the store
/// before it goes on; whatever ends it, the store says how, and the certificate of before stays in force.
class CertificateOrder {
public:
  /// `kept`, `keys` and `stopping` must outlive it, as `parts` and `options` do.
  CertificateOrder(const CertificateParts& parts, const CertificateOptions& options, const KeptCertificate& kept,
                   const std::vector<store::TlsKey>& keys, const std::atomic<bool>& stopping);

  Task<void> run();

private:
  Task<Result<store::AcmeAccount>> account();
  Task<Result<acme::OrderPlan>> plan();
  Task<void> walk(acme::Ordering& ordering);
  Task<bool> perform(acme::Ordering& ordering, const acme::OrderAction& action);
  Task<void> ask(acme::Ordering& ordering, acme::Request request);
  Task<bool> keep(acme::Ordering& ordering, acme::Keep::What what, std::string url);
  Task<void> show(acme::Ordering& ordering, acme::Proof proof);
  Task<void> take_back(acme::Ordering& ordering, acme::Proof proof);
  Task<void> install(std::string chain, std::int64_t not_after);
  Task<void> note_failure(acme::Failure failure);
  Task<bool> is_ours();
  std::int64_t wall() const { return millis(parts_.clock.wall()); }

  const CertificateParts& parts_;
  const CertificateOptions& options_;
  const KeptCertificate& kept_;
  const std::vector<store::TlsKey>& keys_;
  const std::atomic<bool>& stopping_;
  store::Certificate row_;
  store::AcmeAccount account_;
  store::Id key_ = 0;
};

} // namespace paquebot::service
