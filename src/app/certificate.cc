#include "app/certificate.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rights.h"
#include "base/text.h"
#include "net/certificate.h"
#include "service/certificate_watch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

/// Writes a new file with a mode; false when it can't.
bool write_file(const std::string& path, const std::string& bytes, mode_t mode) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  return file && ::fchmod(file.get(), mode) == 0 &&
         ::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

std::int64_t wall_now() { return millis(system_clock().wall()); }

} // namespace

namespace {

/// The one in the data directory; a new one when that is of no use any more.
Result<net::CertificatePair> own_certificate(const Config& config) {
  const std::string certificate = config.server.data_directory + "/self-signed.crt",
                    key = config.server.data_directory + "/self-signed.key";
  auto kept = read_file(certificate), kept_key = read_file(key);
  if (kept && kept_key && net::certificate_problems(*kept, config.server.hostname, wall_now()).empty())
    if (net::Certificates().configure({{*kept, *kept_key}})) return net::CertificatePair{*kept, *kept_key};
  auto made = net::make_self_signed(config.server.hostname);
  if (!made) return std::unexpected(made.error());
  if (!write_file(key, made->key_pem, 0600) || !write_file(certificate, made->certificate_pem, 0644))
    return fail(Errc::io, "can't keep the self-signed certificate in " + config.server.data_directory);
  log::warning("self-signed", {{"certificate", certificate},
                               {"why", "no [tls] certificate is configured: programs will ask before they trust it"}});
  return net::CertificatePair{made->certificate_pem, made->key_pem};
}

} // namespace

Result<FoundCertificates> find_certificates(const Config& config) {
  FoundCertificates found;
  for (const CertificateConfig& one : certificates_of(config)) {
    net::CertificatePair pair{one.certificate_pem, one.key_pem};
    if (auto tried = net::Certificates().configure({pair}); !tried)
      return fail(Errc::invalid, one.certificate_file + " and " + one.key_file + ": " + tried.error().message);
    found.pairs.push_back(std::move(pair));
  }
  if (!found.pairs.empty()) return found;
  auto own = own_certificate(config);
  if (!own) return std::unexpected(own.error());
  found.pairs.push_back(std::move(*own));
  found.makeshift = true;
  return found;
}

Result<TlsContexts> make_tls(const Config& config, const std::shared_ptr<const net::Certificates>& certificates) {
  TlsContexts contexts{{{"", false}, nullptr}, {{"", true}, nullptr}};
  for (const ListenerConfig& listener : config.listeners) contexts[{listener.client_ca_pem, false}] = nullptr;
  for (auto& [kind, context] : contexts) {
    net::ServerTls how;
    how.client_ca_pem = kind.first;
    if (kind.second) how.protocols = {"http/1.1"};
    how.challenges = kind.second;
    auto made = net::TlsContext::server(certificates, how);
    if (!made) return fail(Errc::invalid, (kind.first.empty() ? "TLS: " : "client_ca: ") + made.error().message);
    context = *made;
  }
  return contexts;
}

std::vector<std::string> certificate_warnings(const Config& config) {
  std::vector<service::WatchedCertificate> all;
  for (const CertificateConfig& one : certificates_of(config))
    all.push_back({one.certificate_file, one.certificate_pem});
  service::CertificateWatch watch;
  watch.configure(std::move(all), config.server.hostname);
  std::vector<std::string> warnings;
  for (const auto& problem : watch.due(wall_now()))
    warnings.push_back("the certificate " + printable(problem.file, 400) + " " + problem.why);
  return warnings;
}

} // namespace paquebot::app
