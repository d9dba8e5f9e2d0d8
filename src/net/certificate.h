#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::net {

/// What a certificate says of itself. Times are milliseconds since 1970.
struct CertificateFacts {
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  std::vector<std::string>
      names; ///< dNSName and iPAddress of its subjectAltName, at most 100; without one its common name
  bool self_signed = false;
};

/// The first certificate of a PEM text. `invalid` when there is none.
Result<CertificateFacts> read_certificate(const std::string& pem);

/// Whether it is for that name, as clients look at it (RFC 6125; a wildcard stands for one label).
bool certificate_covers(const std::string& pem, const std::string& hostname);

/// How long before its end a certificate is told of: who renews by program does so well before.
inline constexpr std::int64_t kCertificateNotice = 14LL * 86400 * 1000;

/// What programs will not like, each a sentence that goes on after "the certificate": "has expired on 2026-11-23".
/// Empty: nothing.
std::vector<std::string> certificate_problems(const std::string& pem, const std::string& hostname, std::int64_t now);

} // namespace paquebot::net
