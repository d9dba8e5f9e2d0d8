#pragma once

#include "app/config.h"
#include "net/certificates.h"
#include "net/tls.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::app {

/// The certificates of all listeners, the default first; `makeshift`: it is the self-signed one.
struct FoundCertificates {
  std::vector<net::CertificatePair> pairs;
  bool makeshift = false;
};
/// The configured ones, else a self-signed one kept in the data directory, which is made anew when there is none for
/// this host name, or it ends within two weeks. Each was tried: errors name the files of what can't be used.
Result<FoundCertificates> find_certificates(const Config& config);

/// The TLS of the listeners, by the roots that clients' certificates may have, and whether they speak HTTP.
using TlsContexts = std::map<std::pair<std::string, bool>, std::shared_ptr<net::TlsContext>>;
Result<TlsContexts> make_tls(const Config& config, const std::shared_ptr<const net::Certificates>& certificates);

/// What programs will not like of the configured certificates now, whole sentences; nothing of a self-signed one of
/// ours.
std::vector<std::string> certificate_warnings(const Config& config);

} // namespace paquebot::app
