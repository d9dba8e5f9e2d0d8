#pragma once

#include "http/site.h"
#include "net/certificates.h"
#include "store/certificates.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace paquebot::service {

/// What this node shows of what the store has: certificates to all who connect, and answers to authorities, whichever
/// node asked them. Thread-safe.
class CertificateShelf {
public:
  /// `shown` may be null: then there are no listeners for it. Both must outlive it.
  CertificateShelf(store::Certificates& store, net::Certificates* shown) : store_(store), shown_(shown) {}

  /// Takes what has changed. What can't be read or used is told in the log, and what was shown stays.
  Task<void> refresh();
  /// The key authorization of RFC 8555 section 8.3 for that token; nothing: there is none.
  std::optional<std::string> answer(const std::string& token) const;

private:
  Task<void> refresh_certificates();
  Task<void> refresh_challenges();

  store::Certificates& store_;
  net::Certificates* shown_;
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> issued_; ///< of what is shown, by name
  std::map<std::string, std::string> tokens_;  ///< answers
  std::map<std::string, std::string> proofs_;  ///< by name: the answer that is shown over TLS
};

/// "/.well-known/acme-challenge/": what the shelf answers, in the clear and to everybody.
class ChallengeSite final : public http::Site {
public:
  static constexpr const char* kPath = "/.well-known/acme-challenge/";
  /// `shelf` must outlive it.
  explicit ChallengeSite(const CertificateShelf& shelf) : shelf_(shelf) {}

  std::uint64_t most_content(const http::Request&, const http::Visitor&) const override { return 0; }
  Task<http::Answer> answer(http::Exchange exchange) override;

private:
  const CertificateShelf& shelf_;
};

} // namespace paquebot::service
