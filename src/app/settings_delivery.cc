// [[route]], [queue], [delivery], [forwarding], [dkim]: mail on its way out.

#include "app/processors.h"
#include "app/settings.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/endpoint.h"

#include <fmt/format.h>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;

using queue::RouteTls;

/// Takes the port off "host:port"; a name, IPv4 address or "[IPv6]" is left.
void split_port(Reader& read, const Node& node, std::string& host, queue::Route& route) {
  auto colon = host.rfind(':');
  bool bracketed = host.starts_with('[');
  if (bracketed ? host.find("]:") == std::string::npos : host.find(':') != colon) colon = std::string::npos;
  if (colon != std::string::npos) {
    auto port = parse_u64(std::string_view(host).substr(colon + 1));
    if (!port || *port == 0 || *port > 65535)
      read.error(node, "the port in host = \"" + printable(host, 80) + "\" is not between 1 and 65535");
    else
      route.port = static_cast<std::uint16_t>(*port);
    host.resize(colon);
  } else {
    route.port = route.lmtp ? 24 : route.tls == RouteTls::implicit ? 465 : 587;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
}

void check_host(Reader& read, const Node& table, queue::Route& route) {
  const Node* node = table.find("host");
  if (node == nullptr) {
    read.error(table, "a [[route]] needs a host, such as \"smtp.isp.example:587\"");
    return;
  }
  std::string host = route.host;
  if (host.starts_with(kLocalSocket)) { // the route's host is then the path
    host.erase(0, kLocalSocket.size());
    route.port = 0;
    route.tls = RouteTls::none;
    if (!route.lmtp || !host.starts_with('/'))
      read.error(*node, "host = \"unix:/path\" is for routes with protocol = \"lmtp\", and the path begins with \"/\"");
  } else {
    split_port(read, *node, host, route);
    if (host.starts_with('/')) read.error(*node, "a local socket is written \"unix:/path\"");
  }
  if (host.empty()) read.error(*node, "host is empty");
  if (route.lmtp && route.port == 25) // RFC 2033 section 5
    read.error(*node, "LMTP is never spoken on port 25");
  route.host = host;
  if (route.port == 465 && !route.lmtp && route.tls != RouteTls::implicit)
    read.error(*node, "port 465 speaks TLS from the first byte: add tls = \"implicit\" to this [[route]], or use "
                      "port 587");
  if (route.port == 587 && !route.lmtp && route.tls == RouteTls::implicit)
    read.warning(node->line, "port 587 begins in the clear nearly everywhere: TLS from the first byte is on port 465");
}

void check_password(Reader& read, const Node& table, const queue::Route& route) {
  if (route.user.empty() || route.host.starts_with('/')) return; // a local socket
  if (route.verify && (route.tls == RouteTls::required || route.tls == RouteTls::implicit)) return;
  read.warning(
      table.find("user")->line,
      "the host of this [[route]] is not known by its certificate: whoever sits in between can have it give away the "
      "password; use tls = \"required\" or \"implicit\", and ca_file where its certificate is its own");
}

void check_route(Reader& read, const Node& table, RouteConfig& config) {
  queue::Route& route = config.route;
  if (route.lmtp && table.find("tls") == nullptr)
    route.tls = RouteTls::opportunistic; // it is nearly always on this machine
  route.password = std::string(trim(route.password));
  check_host(read, table, route);
  check_password(read, table, route);
  if (route.to != "*") {
    const bool suffix = route.to.starts_with('.');
    auto domain = mail::normalize_domain(suffix ? route.to.substr(1) : route.to);
    if (domain)
      route.to = (suffix ? "." : "") + *domain;
    else
      read.error(table, "to",
                 "to must be \"*\", a domain, or \".domain\" for its sub-domains: " + domain.error().message);
  }
  if (!route.user.empty() && route.password.empty()) read.error(table, "a [[route]] with a user needs a password_file");
  if (route.name.empty()) route.name = route.to;
}

void compare_route(Reader& read, const Node& table, RouteConfig& config, const Config& whole) {
  for (const RouteConfig& other : whole.routes)
    if (other.route.name == config.route.name || other.route.to == config.route.to)
      read.error(table,
                 fmt::format("there is another [[route]] with the same name or the same to = \"{}\"", config.route.to));
}

/// One family or both.
void read_families(Reader& read, const Node& node, Config& config) {
  delivery::ConnectorOptions& options = config.server.connector;
  const std::vector<Node>* listed = read.texts(node);
  if (listed == nullptr) return;
  options.ipv4 = options.ipv6 = false;
  for (const Node& family : *listed) {
    if (family.text == "ipv4")
      options.ipv4 = true;
    else if (family.text == "ipv6")
      options.ipv6 = true;
    else
      read.error(family, fmt::format("families = [\"{}\"] is not known: use \"ipv4\", \"ipv6\" or both",
                                     printable(family.text, 60)));
  }
  if (listed->empty()) read.error(node, "families must name \"ipv4\", \"ipv6\" or both");
}

Value<Config> families() {
  return {.form = "list of words",
          .words = {"ipv4", "ipv6"},
          .reset = [](Config& config) { config.server.connector.ipv4 = config.server.connector.ipv6 = true; },
          .read = read_families,
          .write =
              [](const Config& config) {
                std::vector<std::string> words;
                if (config.server.connector.ipv4) words.emplace_back("ipv4");
                if (config.server.connector.ipv6) words.emplace_back("ipv6");
                return toml_list(words);
              }};
}

void read_source(Reader& read, const Node& node, Config& config) {
  delivery::ConnectorOptions& options = config.server.connector;
  const std::string& source = node.text;
  if (source.empty()) return;
  if (!net::is_ip_address(source))
    return read.error(node, fmt::format("source_address = \"{}\" is not an IP address", printable(source, 60)));
  const bool four = source.find(':') == std::string::npos;
  std::string& into = four ? options.source_ipv4 : options.source_ipv6;
  if (!into.empty())
    read.error(node, fmt::format("source_address names two addresses of {}: one is enough", four ? "IPv4" : "IPv6"));
  into = source;
}

/// A text, or a list with one for each family.
Value<Config> source_address() {
  return {
      .form = "text or list of texts",
      .reset = [](Config& config) { config.server.connector.source_ipv4 = config.server.connector.source_ipv6 = ""; },
      .read =
          [](Reader& reader, const Node& node, Config& config) {
            if (node.kind != Node::Kind::list) {
              if (reader.text(node)) read_source(reader, node, config);
            } else if (const std::vector<Node>* listed = reader.texts(node)) {
              for (const Node& one : *listed) read_source(reader, one, config);
            }
          },
      .write =
          [](const Config& config) {
            std::vector<std::string> sources;
            for (const std::string& one : {config.server.connector.source_ipv4, config.server.connector.source_ipv6})
              if (!one.empty()) sources.push_back(one);
            return toml_list(sources);
          }};
}

void check_delivery(Reader& read, const Node& table, Config& config) {
  const delivery::ConnectorOptions& options = config.server.connector;
  for (const auto& [lacking, family] : {std::pair(!options.ipv4 && !options.source_ipv4.empty(), "IPv4"),
                                        std::pair(!options.ipv6 && !options.source_ipv6.empty(), "IPv6")})
    if (lacking)
      read.error(table, "source_address",
                 fmt::format("source_address names an address of {}, which families leaves out", family));
}

void check_tls_reports(Reader& read, const Node& table, Config& config) {
  check_sender(read, table, config, config.tls_reports_from, config.snapshot.tls_reports);
}

void check_queue(Reader&, const Node& table, Config& config) {
  if (table.find("deliveries") == nullptr) config.snapshot.queue.workers_total = default_deliveries(usable_memory());
}

} // namespace

const List<RouteConfig> kRouteSettings = {
    .each =
        {.name = "route",
         .settings =
             {
                 {.key = "to",
                  .value = text(AT(RouteConfig, route.to), "*"),
                  .text = R"(`"*"`, a domain, or `".example.net"` for its sub-domains)"},
                 {.key = "name",
                  .value = text(AT(RouteConfig, route.name), ""),
                  .otherwise = "what `to` says",
                  .text =
                      R"(unique; mail for this route waits as the destination `route:NAME`. Changing it strands what waits
             under the old name until the name is back)"},
                 {.key = "host",
                  .value = text(AT(RouteConfig, route.host), ""),
                  .required = true,
                  .text =
                      R"(name or address, with `:port` (default 587; 465 with `tls = "implicit"`; 24 with LMTP). No MX is
             asked for. With LMTP also `"unix:/path"`)"},
                 {.key = "protocol",
                  .value = word(AT(RouteConfig, route.lmtp), false, {{"smtp", false}, {"lmtp", true}}),
                  .text = "`\"smtp\"`, or `\"lmtp\"`: a mail store, which answers for each recipient"},
                 {.key = "tls",
                  .value = word(AT(RouteConfig, route.tls), RouteTls::required,
                                {{"none", RouteTls::none},
                                 {"opportunistic", RouteTls::opportunistic},
                                 {"required", RouteTls::required},
                                 {"implicit", RouteTls::implicit}}),
                  .otherwise = "`\"required\"`; with LMTP `\"opportunistic\"`",
                  .text =
                      R"(`"none"`, `"opportunistic"` (STARTTLS if offered, unverified), `"required"` (STARTTLS or no
             delivery), `"implicit"`)"},
                 {.key = "verify",
                  .value = flag(AT(RouteConfig, route.verify), true),
                  .text = "check the certificate and its name; counts for `required` and `implicit`"},
                 {.key = "ca_file",
                  .value = file(AT(RouteConfig, ca_file), AT(RouteConfig, route.ca_pem)),
                  .otherwise = "the system's roots",
                  .text = "PEM file of roots to check against"},
                 {.key = "user",
                  .value = text(AT(RouteConfig, route.user), ""),
                  .otherwise = "no login",
                  .text = "whom to log in as; needs `password_file`"},
                 {.key = "password_file",
                  .value = file(AT(RouteConfig, password_file), AT(RouteConfig, route.password)),
                  .text = "the password is the file's content without blanks around it"},
             },
         .check = check_route},
    .items = [](Config& config) -> auto& { return config.routes; },
    .compare = compare_route,
};

const Section<Config> kQueueSettings = {
    .name = "queue",
    .settings =
        {
            {.key = "retry_first",
             .value = duration(AT(Config, snapshot.queue.schedule.first), 5min, 1s),
             .text = "the wait after the first failed attempt; it doubles up to"},
            {.key = "retry_most",
             .value = duration(AT(Config, snapshot.queue.schedule.most), 4h, 1s),
             .text = "this. Each wait is moved by up to a tenth, by chance"},
            {.key = "lifetime",
             .value = duration(AT(Config, snapshot.queue.schedule.lifetime), 120h, 1s),
             .text = "after this the sender gets a report; counts for messages accepted from then on"},
            {.key = "delay_notice",
             .value = duration(AT(Config, snapshot.queue.schedule.delay_notice), 4h, 0s),
             .text = "after this the sender is told that the message still waits; `0`: never"},
            {.key = "deliveries",
             .value = number(AT(Config, snapshot.queue.workers_total), 0, 1, 10000),
             .otherwise = "one for each MiB of memory, 1000 to 4000",
             .text =
                 R"(at the same time; of them a half for places that have not answered lately, a quarter for delivery
             reports)"},
            {.key = "deliveries_per_destination",
             .value = number(AT(Config, snapshot.queue.workers_per_destination), 10, 1, 1000),
             .text =
                 R"(to one set of mail hosts, which domains may share, and to one address (a /64 of IPv6), which names
             may share; a `[[route]]` has its own)"},
        },
    .check = check_queue,
};

const Section<Config> kDeliverySettings = {
    .name = "delivery",
    .settings =
        {
            {.key = "port",
             .value = number(AT(Config, server.connector.port), 25, 1, 65535),
             .restart = true,
             .text = "of MX hosts: for tests"},
            {.key = "source_address",
             .value = source_address(),
             .otherwise = "any",
             .restart = true,
             .text =
                 R"(the local address to send from, or a list with one for each family: `["192.0.2.7", "2001:db8::7"]`.
             For a family without one the system chooses)"},
            {.key = "families",
             .value = families(),
             .restart = true,
             .text =
                 R"(which addresses of mail hosts are connected to: those of `"ipv4"`, of `"ipv6"`, or both. Without
                 `"ipv6"` is right where the IPv6 address has no PTR record, or is not in the SPF record)"},
            {.key = "dane",
             .value = flag(AT(Config, server.connector.dane), true),
             .restart = true,
             .text =
                 R"(mail hosts that publish TLSA records under DNSSEC must fit them (RFC 7672, docs/outbound.md); `false`:
             they are not asked for)"},
            {.key = "providers",
             .value = file(AT(Config, providers_file), AT(Config, providers_text)),
             .otherwise = "the `providers.toml` that the program has in it",
             .text = "a file with `[[provider]]`s, in the place of that one"},
            {.key = "connect_timeout",
             .value = duration(AT(Config, server.connector.connect_timeout), 30s, 1s),
             .restart = true,
             .text = "for each address of a host"},
        },
    .check = check_delivery,
};

const Section<Config> kPolicySettings = {
    .name = "delivery.mta_sts",
    .settings =
        {
            {.key = "check",
             .value = flag(AT(Config, server.connector.sts.check), true),
             .restart = true,
             .text = "`false`: nobody's policy is asked for"},
            {.key = "port",
             .value = number(AT(Config, server.connector.sts.port), 443, 1, 65535),
             .restart = true,
             .text = "of policy hosts: for tests"},
            {.key = "ca_file",
             .value = file(AT(Config, sts.ca_file), AT(Config, server.connector.sts.ca_pem)),
             .otherwise = "the system's roots",
             .restart = true,
             .text = "who vouches for policy hosts (PEM): for tests, and networks of your own"},
            {.key = "allow",
             .value = networks(AT(Config, server.connector.sts.allow), {}),
             .otherwise = "none",
             .restart = true,
             .text = "networks that policy hosts may be in beside the public Internet"},
        },
};

const Section<Config> kTlsReportsSettings = {
    .name = "delivery.reports",
    .settings =
        {
            {.key = "send",
             .value = flag(AT(Config, snapshot.tls_reports.send), false),
             .text = "count how connections were protected, and send reports"},
            {.key = "from",
             .value = text(AT(Config, tls_reports_from), ""),
             .text = "the address that they come from; needed with `send`"},
            {.key = "org_name",
             .value = text(AT(Config, snapshot.tls_reports.org_name), ""),
             .otherwise = "`server.hostname`",
             .text = "who we are, in the report"},
            {.key = "contact",
             .value = text(AT(Config, snapshot.tls_reports.contact), ""),
             .otherwise = "`from`",
             .text = "whom to ask about a report"},
        },
    .check = check_tls_reports,
};

const Section<Config> kForwardingSettings = {
    .name = "forwarding",
    .settings =
        {
            {.key = "rewrite_sender",
             .value = flag(AT(Config, snapshot.rewrite_sender), true),
             .text = R"(mail from outside that an alias sends on to another server leaves with a return address of ours
             (docs/policy.md))"},
            {.key = "hide_inner",
             .value = flag(AT(Config, snapshot.intake.hide_inner), false),
             .text = R"(outsiders are not told to where an alias sends their mail on: reports name the address that they
             wrote to, with words of ours in place of the other server's, and what comes back to a return address
             goes on as a notice only (docs/policy.md))"},
        },
};

const Section<Config> kDkimSettings = {
    .name = "dkim",
    .settings =
        {
            {.key = "sign",
             .value = flag(AT(Config, snapshot.sign), true),
             .text = R"(sign what our domains send, with the keys in the store (`paquebot dkim`, docs/operations.md).
             `false` where something behind this server signs)"},
        },
};

} // namespace paquebot::app
