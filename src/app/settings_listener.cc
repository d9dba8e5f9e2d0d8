// [[listener]]: where the server listens, for whom.

#include "app/config_checks.h"
#include "app/settings.h"

#include <fmt/format.h>

namespace paquebot::app {
namespace {

using Role = service::ListenerRole;
using Tls = ListenerConfig::Tls;

/// An octal number, as modes are.
Value<ListenerConfig> mode(int& (*at)(ListenerConfig&), int standard) {
  auto made = number(at, standard, 0, 0777);
  made.form = "mode";
  made.write = [at](const ListenerConfig& listener) { return fmt::format("0o{:o}", kinds::of(at, listener)); };
  return made;
}

void check_peers(Reader& read, const Node& table, const ListenerConfig& listener) {
  const bool smtp = listener.role == Role::mx || listener.role == Role::submission;
  if (!smtp && !listener.xclient_from.empty())
    read.error(table, "xclient_from", "xclient_from is for the roles mx and submission");
  if (table.find("socket_mode") != nullptr && !listener.is_local())
    read.error(table, "socket_mode", "socket_mode is for addresses that begin with \"unix:\"");
  if (!listener.client_ca.empty() && (!listener.has_logins() || listener.tls == Tls::none))
    read.error(table, "client_ca", "client_ca is for listeners with TLS where users log in");
  if (listener.has_logins() && listener.tls == Tls::none && !listener.login_in_clear)
    read.error(table,
               "nobody can log in on this listener: set tls = \"starttls\", or login_in_clear = true on loopback");
}

/// What HTTP has of its own: TLS from the first octet, or none, and then everybody is sent to where there is some.
void check_http(Reader& read, const Node& table, ListenerConfig& listener) {
  const bool http = listener.role == Role::http;
  for (const char* key : {"redirect", "forwarded_from"})
    if (!http && table.find(key) != nullptr) read.error(table, key, fmt::format("{} is for the role http", key));
  if (!http) return;
  if (table.find("tls") == nullptr) listener.tls = Tls::implicit;
  if (listener.tls == Tls::starttls)
    read.error(table, "tls", R"(HTTP has no STARTTLS: tls = "implicit" is https, tls = "none" is http)");
  if (listener.tls != Tls::none && listener.redirect)
    read.error(table, "redirect", R"(redirect is for tls = "none": it sends everybody to https)");
  if (listener.tls == Tls::none && table.find("redirect") == nullptr) listener.redirect = true;
}

/// What goes together and what does not.
void check_listener(Reader& read, const Node& table, ListenerConfig& listener) {
  if (table.find("role") == nullptr)
    read.error(table, "a [[listener]] needs a role: mx, submission, lmtp, pop3, imap or http");
  if (table.find("address") == nullptr)
    read.error(table, "a [[listener]] needs an address, such as \"0.0.0.0:25\"");
  else if (listener.address.empty())
    read.error(table, "address", "the address is empty: write one such as \"0.0.0.0:25\"");
  check_peers(read, table, listener);
  check_http(read, table, listener);
  if (listener.is_local() && !std::string_view(listener.address).substr(kLocalSocket.size()).starts_with('/'))
    read.error(table, "a local socket is \"unix:\" and a path that begins with \"/\"");
  if (listener.is_local() && listener.role != Role::lmtp) read.error(table, "a local socket is for the role lmtp only");
  if (listener.role != Role::lmtp) return;
  if (listener.address.ends_with(":25")) // RFC 2033 section 5
    read.error(table, "LMTP must not be on port 25: other servers would take it for SMTP; 24 is usual");
  if (table.find("accept_from") == nullptr) listener.accept_from = *net::Networks::parse({"127.0.0.0/8", "::1"});
}

} // namespace

const List<ListenerConfig> kListenerSettings = {
      .each =
          {.name = "listener",
           .settings =
               {
                   {.key = "role",
                    .value = word(AT(ListenerConfig, role), Role::mx,
                                  {{"mx", Role::mx},
                                   {"submission", Role::submission},
                                   {"lmtp", Role::lmtp},
                                   {"pop3", Role::pop3},
                                   {"imap", Role::imap},
                                   {"http", Role::http}}),
                    .required = true,
                    .restart = true,
                    .text = R"(`"mx"`, `"submission"`, `"lmtp"`, `"pop3"`, `"imap"` or `"http"`)"},
                   {.key = "address",
                    .value = text(AT(ListenerConfig, address), ""),
                    .required = true,
                    .restart = true,
                    .text =
                        R"(`"192.0.2.10:25"`, `"[2001:db8::10]:25"`; `"[::]:25"` is IPv6 and IPv4 (where the system has no
             IPv6, IPv4 alone), `"0.0.0.0:25"` IPv4 only. Port 0 takes a free one (the log tells which). For LMTP
             also `"unix:/path"`, a local socket; never port 25)"},
                   {.key = "socket",
                    .value = text(AT(ListenerConfig, socket), ""),
                    .otherwise = "the one that is bound to `address`",
                    .restart = true,
                    .text =
                        R"(of the sockets that the service manager passes on (`FileDescriptorName=` of a systemd socket unit) the
             one with this name is used, on whatever address it is. Without one the server listens by itself)"},
                   {.key = "tls",
                    .value = word(AT(ListenerConfig, tls), Tls::starttls,
                                  {{"none", Tls::none}, {"starttls", Tls::starttls}, {"implicit", Tls::implicit}}),
                    .otherwise = R"(`"starttls"`; for `http` `"implicit"`)",
                    .text = R"(`"none"`, `"starttls"` (STLS in POP3), `"implicit"`. For `http` `"implicit"` is https, port
             443; `"none"` is http, port 80)"},
                   {.key = "login_in_clear",
                    .value = flag(AT(ListenerConfig, login_in_clear), false),
                    .text =
                        R"(takes passwords without TLS: for the loopback and tests only. With `tls = "none"` it must be `true`
             for `submission`, `pop3` and `imap`: else nobody could log in)"},
                   {.key = "client_ca",
                    .value = file(AT(ListenerConfig, client_ca), AT(ListenerConfig, client_ca_pem)),
                    .text =
                        R"(a file of root certificates (PEM). Clients of this listener are asked for a certificate that one of
             them vouches for; its addresses (rfc822Name) log in with `AUTH EXTERNAL` as the account they belong
             to. Who has no certificate logs in as elsewhere. For `submission`, `pop3` and `imap` with TLS)"},
                   {.key = "accept_from",
                    .value = networks(AT(ListenerConfig, accept_from), {}),
                    .otherwise = "everybody; for `lmtp` the loopback",
                    .text =
                        "the networks that may connect, others get `554 5.7.1` (over http 403). Peers of a local socket always may"},
                   {.key = "proxy_protocol_from",
                    .value = networks(AT(ListenerConfig, proxy_protocol_from), {}),
                    .text =
                        R"(proxies: their connections must begin with a PROXY header (version 1 or 2), see "Behind a proxy" in
             docs/operations.md)"},
                   {.key = "xclient_from",
                    .value = networks(AT(ListenerConfig, xclient_from), {}),
                    .text = "filters and proxies that may use XCLIENT (`mx`, `submission`)"},
                   {.key = "redirect",
                    .value = flag(AT(ListenerConfig, redirect), false),
                    .otherwise = R"(for `http` with `tls = "none"` `true`, else `false`)",
                    .text =
                        R"(for `http` without TLS: answers what an authority for certificates asks, and sends everybody else to
             https. `false` serves all in clear: behind a proxy of one's own, or on the loopback)"},
                   {.key = "forwarded_from",
                    .value = networks(AT(ListenerConfig, forwarded_from), {}),
                    .text =
                        R"(for `http`: proxies whose Forwarded, or X-Forwarded-For and X-Forwarded-Proto, tell who visits;
             from anybody else these fields count for nothing)"},
                   {.key = "socket_mode",
                    .value = mode(AT(ListenerConfig, socket_mode), 0666),
                    .restart = true,
                    .text = "the mode of a local socket"},
               },
           .check = check_listener},
      .items = [](Config& config) -> auto& { return config.listeners; },
      .compare = check_listener_address,
      .standard = {{Role::mx, "[::]:25", Tls::starttls},
                   {Role::submission, "[::]:587", Tls::starttls},
                   {Role::submission, "[::]:465", Tls::implicit},
                   {Role::pop3, "[::]:110", Tls::starttls},
                   {Role::pop3, "[::]:995", Tls::implicit},
                   {Role::imap, "[::]:143", Tls::starttls},
                   {Role::imap, "[::]:993", Tls::implicit}},
};

} // namespace paquebot::app
