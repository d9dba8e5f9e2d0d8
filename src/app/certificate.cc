#include "app/certificate.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rights.h"
#include "base/text.h"
#include "net/certificate.h"

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

Result<net::SelfSigned> find_certificate(const Config& config) {
  if (!config.snapshot.certificate_file.empty()) {
    auto context = net::TlsContext::server(config.snapshot.certificate_pem, config.key_pem);
    if (!context)
      return fail(Errc::invalid,
                  config.snapshot.certificate_file + " and " + config.key_file + ": " + context.error().message);
    return net::SelfSigned{config.snapshot.certificate_pem, config.key_pem};
  }
  const std::string certificate = config.server.data_directory + "/self-signed.crt",
                    key = config.server.data_directory + "/self-signed.key";
  auto kept = read_file(certificate), kept_key = read_file(key);
  if (kept && kept_key && net::certificate_problems(*kept, config.server.hostname, wall_now()).empty())
    if (net::TlsContext::server(*kept, *kept_key)) return net::SelfSigned{*kept, *kept_key};
  auto made = net::make_self_signed(config.server.hostname);
  if (!made) return std::unexpected(made.error());
  if (!write_file(key, made->key_pem, 0600) || !write_file(certificate, made->certificate_pem, 0644))
    return fail(Errc::io, "can't keep the self-signed certificate in " + config.server.data_directory);
  log::warning("self-signed", {{"certificate", certificate},
                               {"why", "no [tls] certificate is configured: programs will ask before they trust it"}});
  return made;
}

Result<TlsContexts> make_tls(const Config& config, const net::SelfSigned& pair) {
  TlsContexts contexts{{"", nullptr}};
  for (const ListenerConfig& listener : config.listeners) contexts[listener.client_ca_pem] = nullptr;
  for (auto& [client_ca, context] : contexts) {
    auto made = net::TlsContext::server(pair.certificate_pem, pair.key_pem, client_ca);
    if (!made) return fail(Errc::invalid, (client_ca.empty() ? "[tls]: " : "client_ca: ") + made.error().message);
    context = *made;
  }
  return contexts;
}

std::vector<std::string> certificate_warnings(const Config& config) {
  std::vector<std::string> warnings;
  if (config.snapshot.certificate_file.empty()) return warnings;
  for (const std::string& problem :
       net::certificate_problems(config.snapshot.certificate_pem, config.server.hostname, wall_now()))
    warnings.push_back("the certificate " + printable(config.snapshot.certificate_file, 400) + " " + problem);
  return warnings;
}

} // namespace paquebot::app
