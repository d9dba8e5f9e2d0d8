// [server], [tls], [dns]: this machine, and who the server is on it.

#include "app/config_checks.h"
#include "app/settings.h"
#include "base/text.h"
#include "mail/address.h"
#include "store/store.h"

#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;
using dns::Dnssec;

Result<std::string> whole_path(const std::string& text) {
  return text.starts_with('/') ? Result<std::string>(text) : fail(Errc::invalid, "does not begin with \"/\"");
}

/// A path in its shortest form.
Value<Config> place(std::string& (*at)(Config&), std::string standard) {
  auto made = path(at, std::move(standard));
  made.read = [at](Reader& reader, const Node& node, Config& config) {
    if (const auto written = reader.path(node)) at(config) = normal_path(*written);
  };
  return made;
}

/// Never repeats an address: a password may be in it.
void check_store(Reader& read, const Node& table, const std::string& place) {
  if (place == "sqlite") return;
  if (!store::is_database(place))
    return read.error(table, "store",
                      "store" + (place.contains(':') ? std::string() : " = \"" + printable(place, 64) + "\"") +
                          " is not known: use \"sqlite\" or \"postgresql://USER@HOST/DATABASE\"");
  if (auto known = store::check_database(place); !known) read.error(table, "store", known.error().message);
}

void check_server(Reader& read, const Node& table, Config& config) {
  service::ServerOptions& server = config.server;
  if (server.data_directory.empty())
    read.error(table, "data_dir", "data_dir is empty: name a directory, or leave the key out");
  if (table.find("hostname") == nullptr) {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    server.hostname = mail::normalize_domain(name).value_or("localhost");
  }
  server.connector.hostname = server.hostname;
  check_store(read, table, config.store);
  if (config.control_socket.empty()) config.control_socket = server.data_directory + "/control.sock";
  if (server.drop_directory.empty()) server.drop_directory = server.data_directory + "/drop";
  check_hostname(read, table, server.hostname);
  check_places(read, table, config);
}

void check_tls(Reader& read, const Node& table, Config& config) {
  if (config.tls.certificate_file.empty() != config.tls.key_file.empty())
    read.error(table, "[tls] needs both certificate and key, or neither for a self-signed one");
}

void check_certificate(Reader& read, const Node& table, CertificateConfig& one) {
  if (one.certificate_file.empty() || one.key_file.empty())
    read.error(table, "a [[certificate]] needs both certificate and key");
}

void check_dns(Reader& read, const Node& table, Config& config) {
  using enum dns::Dnssec;
  const dns::Options& dns = config.server.dns;
  if (dns.dnssec == required && dns.trust_anchor == "none")
    read.error(table, "dnssec = \"required\" needs a trust_anchor other than \"none\"");
  if (dns.dnssec == off && !dns.trust_anchor.empty() && dns.trust_anchor != "none")
    read.error(table, "with dnssec = \"off\" a trust_anchor is not used: leave one of them out");
}

} // namespace

const Section<Config> kServerSettings = {
    .name = "server",
    .settings =
        {
            {.key = "hostname",
             .value = text(AT(Config, server.hostname), "", domain_name),
             .otherwise = "the machine's name",
             .restart = true,
             .text =
                 R"(our name in greetings, EHLO, Received and reports. Must be a domain name; other servers expect it to
             lead to our address and back)"},
            {.key = "origin",
             .value = text(AT(Config, server.origin), "", domain_name),
             .otherwise = "`hostname`",
             .restart = true,
             .text =
                 R"(the domain that `sendmail` puts behind names without one ("root", "cron") in From, Sender, Reply-To,
             To, Cc, Bcc and the envelope. With a domain of ours the mail of cron and scripts is signed, and
             aliases such as `root@DOMAIN` are followed)"},
            {.key = "data_dir",
             .value = place(AT(Config, server.data_directory), "/var/lib/paquebot"),
             .restart = true,
             .text =
                 R"(everything that is kept. One server each: a lock refuses a second. No folder of the system, such as
             `/srv` itself)"},
            {.key = "store",
             .value = text(AT(Config, store), "sqlite"),
             .restart = true,
             .text =
                 R"(what keeps the mail: `"sqlite"`, in `data_dir`, or a PostgreSQL database, `"postgresql://USER@HOST/DATABASE"`
             ([cluster.md](cluster.md)). Its password comes from a file that the address names (`?passfile=`), not from
             the address)"},
            {.key = "node",
             .value = text(AT(Config, node), ""),
             .otherwise = "the machine's name",
             .restart = true,
             .text =
                 R"(the name of this server among those that work on the same database, for `paquebot node list`, events
             and logs)"},
            {.key = "user",
             .value = text(AT(Config, user), ""),
             .otherwise = "`paquebot` if there is such a user",
             .restart = true,
             .text =
                 R"(whom to become after binding the ports, when started as root. Without one the server stays root and
             warns)"},
            {.key = "threads",
             .value = number(AT(Config, server.threads), 0, 1, 256),
             .otherwise = "one less than there are processors, at least 1",
             .restart = true,
             .text = R"(for connections. As many again check passwords, and sign (by default one for each
             processor); they sleep while there is nothing to do. Processors are those that the process may use:
             a container's set and quota count)"},
            {.key = "control_socket",
             .value = place(AT(Config, control_socket), ""),
             .otherwise = "`DATA_DIR/control.sock`",
             .restart = true,
             .text = "for the `paquebot` command; mode 0600, and only root and the server's user are heard"},
            {.key = "drop_dir",
             .value = place(AT(Config, server.drop_directory), ""),
             .otherwise = "`DATA_DIR/drop`",
             .restart = true,
             .text =
                 R"(where `sendmail` leaves mail; mode 1733: anybody may add, nobody list. A folder for nothing else)"},
            {.key = "log_format",
             .value = word(AT(Config, log_format), log::Format::key_value,
                           {{"text", log::Format::key_value}, {"json", log::Format::json}}),
             .text = R"(`"text"` (key=value) or `"json"`)"},
            {.key = "log_level",
             .value = word(AT(Config, log_level), log::Level::info,
                           {{"debug", log::Level::debug},
                            {"info", log::Level::info},
                            {"warning", log::Level::warning},
                            {"error", log::Level::error}}),
             .text = R"(`"debug"`, `"info"`, `"warning"`, `"error"`)"},
            {.key = "log_file",
             .value = place(AT(Config, log_file), ""),
             .otherwise = "standard error",
             .restart = true,
             .text =
                 R"(a plain file in a folder that `user` may write to, such as `/var/log/paquebot/paquebot.log`; opened
             again on SIGHUP and SIGUSR1, after a rotation)"},
            {.key = "sandbox",
             .value = flag(AT(Config, sandbox), true),
             .restart = true,
             .text = R"(give up after the start what the server does not need (security.md, "Sandbox"). `false` is for
             finding out whether the sandbox is in the way of something; the log warns)"},
            {.key = "new_domain_grace",
             .value = duration(AT(Config, server.new_domain_grace), 1h, 0s),
             .restart = true,
             .text =
                 R"(so long after `paquebot domain add`, mail for an address of that domain that nobody has is put off
             (450), not refused: there is time to make its accounts while mail for them waits, here and
             elsewhere. `"0s"`: refused at once)"},
            {.key = "backup_dirs",
             .value = texts(AT(Config, backup_dirs), {"/var/backups/paquebot"}, whole_path),
             .restart = true,
             .text =
                 R"(folders, beside the data directory, where `paquebot backup` may write while the server runs in its
             sandbox. A folder that is made after the start needs a restart)"},
        },
    .check = check_server,
};

const Section<Config> kTlsSettings = {
    .name = "tls",
    .settings =
        {
            {.key = "certificate",
             .value = file(AT(Config, tls.certificate_file), AT(Config, tls.certificate_pem)),
             .text = "PEM file: our certificate, then the chain"},
            {.key = "key",
             .value = file(AT(Config, tls.key_file), AT(Config, tls.key_pem)),
             .text = "PEM file without a password"},
        },
    .check = check_tls,
};

const List<CertificateConfig> kCertificateSettings = {
    .each = {.name = "certificate",
             .settings =
                 {
                     {.key = "certificate",
                      .value = file(AT(CertificateConfig, certificate_file), AT(CertificateConfig, certificate_pem)),
                      .required = true,
                      .text = "PEM file: the certificate, then its chain"},
                     {.key = "key",
                      .value = file(AT(CertificateConfig, key_file), AT(CertificateConfig, key_pem)),
                      .required = true,
                      .text = "PEM file without a password"},
                 },
             .check = check_certificate},
    .items = [](Config& config) -> auto& { return config.certificates; },
    .most = 1000,
};

const Section<Config> kDnsSettings = {
    .name = "dns",
    .settings =
        {
            {.key = "resolvers",
             .value = texts(AT(Config, server.dns.resolvers), {}),
             .otherwise = "those of `/etc/resolv.conf`",
             .restart = true,
             .text = R"(such as `["127.0.0.1:53", "[::1]:5353"]`; asked for everything, also for private zones)"},
            {.key = "trust_anchor",
             .value = text(AT(Config, server.dns.trust_anchor), ""),
             .otherwise = "the root's",
             .restart = true,
             .text = R"(the text of DS or DNSKEY records, one a line (`"corp.example. IN DS 20326 8 2 E06D…"`), for a
             private signed zone: instead of the root's, so everything outside these zones counts as not signed;
             or `"none"`: no DNSSEC)"},
            {.key = "dnssec",
             .value = word(AT(Config, server.dns.dnssec), Dnssec::automatic,
                           {{"auto", Dnssec::automatic}, {"required", Dnssec::required}, {"off", Dnssec::off}}),
             .restart = true,
             .text =
                 R"(`"auto"`: answers are validated where the resolvers pass signatures on. Home routers and simple
             forwarders don't: behind them mail goes out all the same, what the DNS says is used as it comes,
             nothing counts as secure, and log, `paquebot status` and `paquebot check` say so. `"required"`: then
             mail waits. `"off"`: never validated)"},
        },
    .check = check_dns,
};

} // namespace paquebot::app
