// [acme]: certificates that are ordered of an authority (docs/certificates.md).

#include "acme/key.h"
#include "app/config_checks.h"
#include "app/settings.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/http_client.h"

#include <algorithm>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;

Result<std::string> authority_url(const std::string& text) {
  const auto url = net::parse_http_url(text);
  if (url && url->secure) return text;
  return fail(Errc::invalid, "is no URL that begins with https://");
}

Result<std::string> contact_address(const std::string& text) {
  if (text.empty()) return text;
  if (const auto address = mail::parse_address(text); address && is_ascii(text)) return address->to_string();
  return fail(Errc::invalid, "is no address in ASCII");
}

Result<std::string> challenge_word(const std::string& text) {
  if (acme::challenge_kind(text)) return text;
  return fail(Errc::invalid, "is none of \"tls-alpn-01\", \"http-01\", \"dns-01\"");
}

/// "192.0.2.53", "192.0.2.53:5353", "[::1]:53".
Result<std::string> name_server(const std::string& text) {
  if (text.empty()) return text;
  const auto where = net::parse_endpoint(text.find(':') == text.npos ? text + ":53" : text);
  if (where && !where->is_local()) return where->to_string();
  return fail(Errc::invalid, "is no address of a name server such as \"192.0.2.53:53\"");
}

void check_acme(Reader& read, const Node& table, Config& config) {
  AcmeConfig& acme = config.acme;
  acme.options.challenges.clear();
  for (const std::string& word : acme.challenges)
    if (const auto kind = acme::challenge_kind(word)) acme.options.challenges.push_back(*kind);
  if (acme.options.eab_kid.empty() != acme.eab_key_file.empty())
    read.error(table, "[acme] needs both eab_kid and eab_key_file, or neither");
  if (acme.dns_server.empty() != acme.dns_key_file.empty())
    read.error(table, "[acme] needs both dns_server and dns_key_file, or neither");
}

} // namespace

Result<> read_acme_keys(Config& config) {
  AcmeConfig& acme = config.acme;
  if (!acme.eab_key_file.empty()) {
    auto key = acme::base64url_decode(trim(acme.eab_key));
    if (!key || key->empty())
      return fail(Errc::invalid, "[acme] eab_key_file: there is no key in base64url in " + acme.eab_key_file);
    acme.options.eab_key = std::move(*key);
  }
  if (acme.dns_server.empty()) return {};
  const auto where = net::parse_endpoint(acme.dns_server);
  if (!where) return std::unexpected(where.error());
  auto key = dns::read_tsig_key(acme.dns_key);
  if (!key) return fail(Errc::invalid, "[acme] dns_key_file " + acme.dns_key_file + ": " + key.error().message);
  acme.options.zone = service::ZoneServer{*where, std::move(*key), acme.dns_zone};
  return {};
}

const Section<Config> kAcmeSettings = {
    .name = "acme",
    .settings =
        {
            {.key = "agree_tos",
             .value = flag(AT(Config, acme.options.agree_tos), false),
             .text =
                 R"(you have read the terms of service of the authority at `directory`, and agree. Then the server gets a
             certificate for its host name, and renews it; without it nothing is asked)"},
            {.key = "directory",
             .value = text(AT(Config, acme.options.directory), "https://acme-v02.api.letsencrypt.org/directory",
                           authority_url),
             .text = "the authority: the URL of its directory (RFC 8555)"},
            {.key = "contact",
             .value = text(AT(Config, acme.options.contact), "", contact_address),
             .otherwise = "nobody",
             .text = "an address that the authority may write to"},
            {.key = "challenges",
             .value = texts(AT(Config, acme.challenges), {}, challenge_word),
             .otherwise = "what listeners and `dns_server` can do",
             .text =
                 R"(how it is proven that a name leads here, the best first: `"tls-alpn-01"` by an `http` listener with TLS
             that 443 leads to, `"http-01"` by one that 80 leads to, `"dns-01"` by a record that `dns_server` takes)"},
            {.key = "names",
             .value = texts(AT(Config, acme.options.names), {}, domain_name),
             .otherwise = "none",
             .text = "more names to get certificates for, each one of its own"},
            {.key = "domain_names",
             .value = flag(AT(Config, acme.options.domain_names), true),
             .text =
                 R"(also for `mta-sts.DOMAIN`, `autoconfig.DOMAIN` and `autodiscover.DOMAIN` of each domain of ours, where
             these names lead to this server)"},
            {.key = "eab_kid",
             .value = text(AT(Config, acme.options.eab_kid), ""),
             .otherwise = "none",
             .text = R"(the account is bound to one that you have with the authority otherwise: its "key identifier")"},
            {.key = "eab_key_file",
             .value = file(AT(Config, acme.eab_key_file), AT(Config, acme.eab_key)),
             .text = R"(the file with its "HMAC key", in base64url)"},
            {.key = "dns_server",
             .value = text(AT(Config, acme.dns_server), "", name_server),
             .otherwise = "none",
             .text = R"(the name server that takes updates of the zone (RFC 2136), such as `"192.0.2.53:53"`)"},
            {.key = "dns_key_file",
             .value = file(AT(Config, acme.dns_key_file), AT(Config, acme.dns_key)),
             .text =
                 R"(the file with the key that updates are signed with (TSIG): as BIND or Knot write it, or
             `hmac-sha256:NAME:SECRET`)"},
            {.key = "dns_zone",
             .value = text(AT(Config, acme.dns_zone), "", domain_name),
             .otherwise = "`dns_server` is asked",
             .text = "the zone that is updated"},
            {.key = "dns_wait",
             .value = duration(AT(Config, acme.options.dns_wait), 20s, 0s, 1h),
             .text = "after an update, until the zone's other servers have it and the authority may look"},
            {.key = "ca_file",
             .value = file(AT(Config, acme.ca_file), AT(Config, acme.options.ca_pem)),
             .otherwise = "the system's roots",
             .text = "who vouches for the servers of the authority (PEM): for one of your own"},
            {.key = "allow",
             .value = networks(AT(Config, acme.options.allow), {}),
             .otherwise = "none",
             .text = "networks that an authority of your own may be in; else it must be on the public Internet"},
        },
    .check = check_acme,
};

} // namespace paquebot::app
