#pragma once

#include "app/config.h"
#include "net/tls.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::app {

/// The certificate for all listeners: the configured one, else a self-signed one kept in the data directory, which is
/// made anew when there is none for this host name, or it ends within two weeks.
Result<net::SelfSigned> find_certificate(const Config& config);

/// The TLS of the listeners: one for all, and one more for each list of roots that clients' certificates may have.
using TlsContexts = std::map<std::string, std::shared_ptr<net::TlsContext>>;
Result<TlsContexts> make_tls(const Config& config, const net::SelfSigned& pair);

/// What programs will not like of the configured certificate now, whole sentences; nothing when it is a self-signed one
/// of ours.
std::vector<std::string> certificate_warnings(const Config& config);

} // namespace paquebot::app
