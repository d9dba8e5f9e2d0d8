#pragma once

#include "app/reader.h"
#include "base/log.h"
#include "base/result.h"
#include "service/server.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::app {

/// What the address of a local socket begins with, in front of its path.
inline constexpr std::string_view kLocalSocket = "unix:";

struct ListenerConfig {
  service::ListenerRole role = service::ListenerRole::mx;
  std::string address{};
  enum class Tls : std::uint8_t { none, starttls, implicit } tls = Tls::starttls;
  bool login_in_clear = false;         ///< allow passwords without TLS: for loopback and tests
  std::string client_ca{};             ///< a file
  std::string client_ca_pem{};         ///< roots of client certificates; empty: none are asked for
  net::Networks accept_from{};         ///< who may connect; empty: everybody
  net::Networks proxy_protocol_from{}; ///< who must begin with a PROXY header
  net::Networks xclient_from{};        ///< who may use XCLIENT
  net::Networks forwarded_from{};      ///< of HTTP: proxies whose word on who visits counts
  bool redirect = false;               ///< of HTTP: sends everybody to https
  int socket_mode = 0666;              ///< of a local socket
  std::string
      socket{}; ///< the name of one that the service manager passes on; empty: the one with this address, if any
  bool is_local() const { return address.starts_with(kLocalSocket); }
  /// Whether users log in there.
  bool has_logins() const {
    using enum service::ListenerRole;
    return role == submission || role == pop3 || role == imap;
  }
};

/// A certificate and its key, and the files that they were read from; empty: none.
struct CertificateConfig {
  std::string certificate_file{};
  std::string certificate_pem{};
  std::string key_file{};
  std::string key_pem{};
};

/// A content filter and the listeners whose mail it sees.
struct FilterConfig {
  filter::Options options;
  std::vector<service::ListenerRole> roles;
};

/// A route, and the files that parts of it were read from.
struct RouteConfig {
  queue::Route route;
  std::string ca_file;
  std::string password_file;
};

/// [acme], and the files that parts of it were read from.
struct AcmeConfig {
  service::CertificateOptions options; ///< as they are used; `configured` and what may be left out come with a snapshot
  std::vector<std::string> challenges; ///< words
  std::string eab_key_file, eab_key;
  std::string dns_server, dns_key_file, dns_key, dns_zone;
  std::string ca_file;
};

/// Where keys stand in the file: "limits.mx_connections", of lists "listener.1.role".
using Lines = std::map<std::string, std::uint32_t>;

/// The files that parts of [delivery.mta_sts] were read from.
struct StsConfig {
  std::string ca_file;
};

/// The configuration file, read and checked whole. What a part of the server is made of has that part's own type: the
/// tables of settings (settings_*.cc) say where each key is kept. `Config()` is no configuration: load_config() gives
/// the defaults too.
struct Config {
  enum class Scram : std::uint8_t { automatic, on, off };
  /// What listeners for SMTP have in common, those for POP3, and those for IMAP; the rest comes with each listener
  /// (snapshot.h).
  struct Smtp {
    smtp::ServerOptions session;
    service::SmtpListenerOptions listener;
  };
  struct Pop3 {
    pop3::ServerOptions session;
    service::Pop3ListenerOptions listener;
  };

  struct Imap {
    imap::ServerOptions session;
    service::ImapListenerOptions listener;
  };

  std::string file;
  Lines lines;
  std::vector<std::string> warnings; ///< what works and should be looked at, each "file:line: …"

  // What takes a restart.
  service::ServerOptions server; ///< `threads` and `message_memory` 0: as the machine calls for (processors.h)
  std::string store;             ///< "sqlite" (in server.data_directory), or the URL of a database
  std::string node;              ///< this server's name among those that work on the database; empty: the machine's
  std::string user;              ///< to become after binding, when started as root
  std::string control_socket;
  std::string log_file;
  bool sandbox = true;                  ///< give up after the start what is not needed (sandbox.h)
  std::vector<std::string> backup_dirs; ///< where backups may be written, beside the data directory

  // What a reload replaces.
  log::Format log_format = log::Format::key_value;
  log::Level log_level = log::Level::info;
  service::Snapshot snapshot;                  ///< without its listeners and certificates
  CertificateConfig tls;                       ///< the default one
  std::vector<CertificateConfig> certificates; ///< others, by name
  std::string metrics_token_file;
  std::vector<ListenerConfig> listeners;
  std::vector<FilterConfig> filters; ///< in their order
  std::vector<RouteConfig> routes;   ///< snapshot.queue has them too, as they are used
  Smtp smtp;
  Pop3 pop3;
  Imap imap;
  AcmeConfig acme;
  StsConfig sts;
  std::vector<queue::Source> sources; ///< snapshot.queue has them too, as they are used, and:
  std::vector<queue::Pool> pools;
  std::vector<queue::Provider> providers; ///< of the configuration alone; read_providers() adds those of:
  std::string providers_file, providers_text;
  bool mend_bare_lf = true;          ///< of own users
  Scram scram = Scram::automatic;    ///< automatic: while every account can do it (service::ScramSwitch)
  bool channel_binding = false;      ///< SCRAM with -PLUS
  directory::TokenRules token_rules; ///< an empty issuer: there is none
  std::string jwks_file;
  std::string jwks;           ///< what it holds; read_issuer() makes snapshot.issuer of both
  bool takeover_signs = true; ///< false: snapshot.takeover is empty
  policy::RelayRules relay;
  policy::StrangerRules guard;
  std::string tls_reports_from; ///< of snapshot.tls_reports, likewise
  std::string reports_from;     ///< snapshot.dmarc_reports has it as an address
};

/// The plain way: plain files of at most 4 MiB, never waiting for the other end of something else.
Result<std::string> read_file(const std::string& path);

/// Reads and checks a configuration file, and the files it names (certificates, passwords). Errors: not_found, or
/// `invalid` with everything that is wrong, each on a line "file:line: what; how to mend it".
Result<Config> load_config(const std::string& path, const FileSource& files = read_file);

/// The providers of a file that has nothing else. `invalid` with everything that is wrong, as above.
Result<std::vector<queue::Provider>> parse_providers(std::string_view text, const std::string& path);

/// All that are configured, the default first; none: a self-signed one is shown, which the data directory keeps.
std::vector<CertificateConfig> certificates_of(const Config& config);

/// Makes snapshot.queue.providers of those of the file that `delivery.providers` names, or of the program, but for what
/// the configuration says of them. `invalid` with what is wrong with the file.
Result<> read_providers(Config& config);

/// Makes `snapshot.issuer` of what [oauth] says. `invalid` when the key set can't be used.
Result<> read_issuer(Config& config);

/// Makes of the keys that [acme] names what `acme.options` has of them. `invalid` when one can't be used. Apart from
/// load_config(), since commands beside the server may not read them.
Result<> read_acme_keys(Config& config);

/// What differs between two configurations and needs a restart, e.g. "server.data_dir".
std::vector<std::string> restart_keys(const Config& before, const Config& after);

} // namespace paquebot::app
