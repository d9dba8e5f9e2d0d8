#pragma once

#include "base/log.h"
#include "base/result.h"
#include "delivery/connector.h"
#include "net/network.h"
#include "queue/queue.h"
#include "service/server.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::app {

/// What the address of a local socket begins with, in front of its path.
inline constexpr std::string_view kLocalSocket = "unix:";

struct ListenerConfig {
  service::ListenerRole role = service::ListenerRole::mx;
  std::string address;
  enum class Tls { none, starttls, implicit } tls = Tls::starttls;
  bool login_in_clear = false;       ///< allow passwords without TLS: for loopback and tests
  std::string client_ca_pem;         ///< roots of client certificates; empty: none are asked for
  net::Networks accept_from;         ///< who may connect; empty: everybody
  net::Networks proxy_protocol_from; ///< who must begin with a PROXY header
  net::Networks xclient_from;        ///< who may use XCLIENT
  int socket_mode = 0666;            ///< of a local socket
  bool is_local() const { return address.starts_with(kLocalSocket); }
};

/// A content filter and the listeners whose mail it sees.
struct FilterConfig {
  filter::Options options;
  std::vector<service::ListenerRole> roles{service::ListenerRole::mx, service::ListenerRole::submission};
};

/// The configuration file, read and checked whole; docs/configuration.md tells every key.
struct Config {
  std::string file;
  std::vector<std::string> warnings; ///< what works and should be looked at, each "file:line: …"
  std::string hostname;
  std::string origin; ///< domain of names without one in mail of this machine; default: hostname
  std::string data_dir = "/var/lib/paquebot";
  std::string user;           ///< to become after binding, when started as root
  std::string control_socket; ///< default: data_dir/control.sock
  std::string drop_dir;       ///< default: data_dir/drop
  unsigned threads = 0;       ///< 0: as many as the processors call for (processors.h)
  log::Format log_format = log::Format::key_value;
  log::Level log_level = log::Level::info;
  std::string log_file;
  std::chrono::seconds new_domain_grace = std::chrono::hours(1); ///< directory::Options
  bool sandbox = true; ///< give up after the start what is not needed (sandbox.h)
  std::vector<std::string> backup_dirs{"/var/backups/paquebot"}; ///< where backups may be written, beside data_dir
  std::string certificate;                                       ///< paths; empty: self-signed, kept in data_dir
  std::string key;
  std::string certificate_pem; ///< what the files hold
  std::string key_pem;
  std::vector<ListenerConfig> listeners;
  std::vector<FilterConfig> filters; ///< in their order
  dns::Options dns;
  queue::Options queue;
  delivery::ConnectorOptions connector;
  service::GateLimits gate;
  directory::GuardLimits logins;
  enum class Scram : std::uint8_t { automatic, on, off };
  Scram scram = Scram::automatic;    ///< automatic: while every account can do it (service::ScramSwitch)
  bool channel_binding = false;      ///< SCRAM with -PLUS
  directory::TokenRules token_rules; ///< [oauth]; an empty issuer: there is none
  std::string jwks;                  ///< what jwks_file holds
  std::shared_ptr<const directory::TokenIssuer> issuer; ///< made of both by read_issuer()
  std::uint64_t message_size = 50u << 20;
  store::Limits account_limits; ///< what an account may send; default_limits() unless the file says otherwise
  store::TakeoverRules takeover{.new_recipients = 100, .times_usual = 5, .failures = 30, .failure_percent = 33};
  unsigned takeover_networks = 8; ///< logins from more within an hour are a sign; 0: never
  net::Networks relay_from;       ///< [relay]: who may send to others without a login; empty: nobody
  policy::RelayRules relay;
  net::Networks bare_lf_from;    ///< of these: whose LF alone is mended
  net::Networks checked_devices; ///< of these: whose mail in our own name is judged by DMARC like anybody's
  bool mend_bare_lf = true;      ///< [submission]
  bool keep_bcc = false;
  std::uint32_t max_recipients = 1000;
  std::uint32_t max_errors = 20;
  std::uint32_t max_commands = 10000;
  std::size_t max_hops = 100;
  intake::AuthenticationOptions authentication; ///< [authentication]
  std::chrono::seconds hold_most{30 * 86400};   ///< FUTURERELEASE; 0: not offered
  std::chrono::seconds deliver_by_least{60};    ///< DELIVERBY
  std::string priority_policy = "MIXER";        ///< MT-PRIORITY; empty: not told
  std::vector<std::string> etrn_hosts;          ///< addresses
  bool sign = true;                             ///< [dkim]: what our domains send
  std::chrono::seconds command_timeout{300};
  std::chrono::seconds data_timeout{180};
  std::uint64_t message_memory = 0;  ///< octets; 0: by what memory there is
  std::uint64_t content_pace = 4096; ///< octets in a minute; 0: any
  std::chrono::seconds message_timeout{3600};
  std::chrono::seconds pop3_idle_timeout{600};
  std::chrono::seconds pop3_login_delay{0};          ///< 0: none
  std::chrono::seconds pop3_takeover_after{10};      ///< silence, before a newer login takes over
  pop3::Language pop3_language = pop3::Language::en; ///< for LANG *
  std::shared_ptr<const policy::GuardOptions> guard; ///< [guard], [[dns_list]]
  bool rewrite_sender = true;                        ///< [forwarding]
  bool hide_inner = false;                           ///< likewise
  delivery::DmarcSending dmarc_reports;              ///< [authentication.reports]
  std::uint32_t expire_days = 0;                     ///< 0: mail stays for ever
};

/// Reads a whole file: the configuration and what it names. The server asks its keeper (keeper.h) once it is no longer root.
using FileSource = std::function<Result<std::string>(const std::string& path)>;
/// What an account may send where the file says nothing: plenty for a person, little for somebody with a stolen password.
store::Limits default_limits();

/// The plain way: plain files of at most 4 MiB, never waiting for the other end of something else.
Result<std::string> read_file(const std::string& path);

/// Reads and checks a configuration file, and the files it names (certificates, passwords). Errors: not_found, or `invalid` with
/// everything that is wrong, each on a line "file:line: what; how to mend it".
Result<Config> load_config(const std::string& path, const FileSource& files = read_file);

/// Makes `issuer` of what [oauth] says. `invalid` when the key set can't be used.
Result<> read_issuer(Config& config);

/// The filters of listeners of that role; null: none.
std::shared_ptr<const filter::Chain> filters_for(const Config& config, service::ListenerRole role);

/// What differs between two configurations and needs a restart, e.g. "server.data_dir".
std::vector<std::string> restart_keys(const Config& before, const Config& after);

} // namespace paquebot::app
